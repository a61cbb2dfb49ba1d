// Send a file directly to the storage, in parts, to URLs that the site signs. No byte passes through the site.
// The URL of the upload is kept in the browser, so that selecting the same file after a reload continues the upload.

const SENT_AT_ONCE = 3;
const SIGNED_AT_ONCE = 20;
const ATTEMPTS = 6;
const GONE = 404;

class Refused extends Error {
  constructor(answer) {
    super(answer.body.detail ?? `The server answered ${answer.status}.`);
    this.answer = answer;
  }
}

class Site {
  constructor(token, signal) {
    this.token = token;
    this.signal = signal;
  }

  async ask(method, url, said) {
    const headers = { Accept: "application/json", "X-CSRFToken": this.token };
    if (said) headers["Content-Type"] = "application/json";
    const response = await fetch(url, { method, headers, body: said && JSON.stringify(said), signal: this.signal });
    const answer = { status: response.status, body: await response.json().catch(() => ({})) };
    if (!response.ok) throw new Refused(answer);
    return answer.body;
  }
}

class DirectUpload {
  constructor(collection, file, token, onProgress) {
    this.collection = collection;
    this.file = file;
    this.onProgress = onProgress;
    this.stopping = new AbortController();
    this.site = new Site(token, this.stopping.signal);
    this.note = `largefiles ${collection} ${file.name} ${file.size} ${file.lastModified}`;
    this.sent = new Map();
  }

  async run() {
    this.upload = (await this.known()) ?? (await this.begin());
    if (this.upload.state === "receiving") {
      await this.sendMissing();
      await this.site.ask("POST", this.upload.urls.complete, {});
    }
    localStorage.removeItem(this.note);
    return this.upload;
  }

  async known() {
    const url = localStorage.getItem(this.note);
    if (!url) return null;
    try {
      return await this.site.ask("GET", url);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return null;
    }
  }

  async begin() {
    const { name, size, type } = this.file;
    const upload = await this.site.ask("POST", this.collection, { name, size, media_type: type });
    localStorage.setItem(this.note, upload.urls.self);
    return upload;
  }

  async sendMissing() {
    for (const { number, size } of this.upload.parts) this.sent.set(number, size);
    this.told();
    const numbers = Array.from({ length: this.upload.part_count }, (_, index) => index + 1);
    const parts = this.signed(numbers.filter((number) => !this.sent.has(number)));
    const sender = async () => {
      for await (const part of parts) await this.send(part);
    };
    await Promise.all(Array.from({ length: SENT_AT_ONCE }, sender));
  }

  async *signed(missing) {
    while (missing.length) yield* await this.sign(missing.splice(0, SIGNED_AT_ONCE));
  }

  sign(parts) {
    return this.site.ask("POST", this.upload.urls.sign, { parts });
  }

  async send(part) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const status = await this.put(part);
      if (status === 200) return;
      if (status === GONE) break;
      this.sent.delete(part.number);
      await this.pause(2 ** attempt * 500);
      // The signature may have expired.
      [part] = await this.sign([part.number]);
    }
    throw new Error(`the storage did not accept part ${part.number}.`);
  }

  // Return the status, or 0 without an answer. Only XMLHttpRequest reports the progress of an upload.
  put({ number, size, url }) {
    const start = (number - 1) * this.upload.part_size;
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    request.upload.addEventListener("progress", ({ loaded }) => this.told(number, loaded));
    const stop = () => request.abort();
    this.stopping.signal.addEventListener("abort", stop);
    return new Promise((resolve) => {
      request.addEventListener("loadend", () => {
        this.stopping.signal.removeEventListener("abort", stop);
        if (request.status === 200) this.told(number, size);
        resolve(request.status);
      });
      request.send(this.file.slice(start, start + size));
    });
  }

  told(number, bytes) {
    if (number) this.sent.set(number, bytes);
    this.onProgress([...this.sent.values()].reduce((sum, size) => sum + size, 0), this.file.size);
  }

  pause(milliseconds) {
    return new Promise((resolve, reject) => {
      const { signal } = this.stopping;
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      setTimeout(resolve, milliseconds);
    });
  }

  cancel() {
    this.stopping.abort(new Error("Cancelled."));
    localStorage.removeItem(this.note);
    if (this.upload) new Site(this.site.token).ask("DELETE", this.upload.urls.self).catch(() => {});
  }
}

// Return the answer to the last request, and a function that cancels, like send() in upload.js.
export function sendDirectly(collection, file, token, onProgress) {
  const upload = new DirectUpload(collection, file, token, onProgress);
  const answer = upload.run().then(
    (body) => ({ status: 201, body }),
    (error) => {
      if (error instanceof Refused) return error.answer;
      throw error;
    },
  );
  return { answer, cancel: () => upload.cancel() };
}
