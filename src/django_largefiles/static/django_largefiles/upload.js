// <largefile-upload>: resumable uploads around a native <input type="file">, and <largefile-state>: a state that is live.
//
// docs/widget.rst is the documentation. tus-js-client must be loaded before, as the global `tus`. All words that a person
// reads are in the templates inside the element.

const MIB = 1024 ** 2;
const JUDGED = 2048;
// Goes with the request that creates an upload: the server judges the type by it, and answers before more is sent.
const FIRST_PIECE = 256 * 1024;
const LEAST_PIECE = MIB;
const PIECE = 16 * MIB;
const QUICK_PIECE = 3000;
const UPLOADS_AT_ONCE = 2;
const PARTS_AT_ONCE = 3;
const LONGEST_DELAY = 30_000;
const SILENCE = 60_000;
const MOST_WATCHED = 90;
const KEPT_AS_ASSET = 10 * 60_000;
const KEPT = 7 * 24 * 3_600_000;
const SETTLED = new Set(["ready", "rejected", "failed", "gone"]);
const NO_ASSET = "00000000-0000-0000-0000-000000000000";

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

// What went wrong. `status` is 0 without an answer; `code` and `words` come from the problem details of RFC 9457.
class Problem extends Error {
  constructor(status, { code = "", words, detail, title } = {}, seconds = 0) {
    super(words || detail || title || "");
    this.status = status;
    this.code = code;
    this.delay = 1000 * seconds;
  }

  static of(status, body, retryAfter) {
    let details = {};
    try {
      details = JSON.parse(body) ?? {};
    } catch {
      // An answer of something between the browser and the site.
    }
    return new Problem(status, details, Number(retryAfter) || 0);
  }

  // Whether the same request may succeed later. Other answers of 4xx are final.
  get passing() {
    return PASSING_STATUS.has(this.status) || this.status >= 500 || PASSING_CODE.has(this.code);
  }

  get gone() {
    return this.status === 404 || this.status === 410;
  }
}

const PASSING_STATUS = new Set([0, 408, 425, 429]);
const PASSING_CODE = new Set(["offset_mismatch", "checksum_mismatch", "incomplete_body", "malformed_body"]);

// --- Words and numbers

class Words {
  constructor(root) {
    const nodes = root.querySelector("template[data-part=texts]")?.content.querySelectorAll("[data-text]") ?? [];
    this.texts = new Map([...nodes].map((node) => [node.dataset.text, node.textContent.trim()]));
    this.formats = new Map();
    this.language = root.closest?.("[lang]")?.lang || undefined;
  }

  say(key, values = {}) {
    return (this.texts.get(key) ?? key).replace(/{(\w+)}/g, (braces, name) => values[name] ?? braces);
  }

  has(key) {
    return this.texts.has(key);
  }

  number(value, options) {
    const key = JSON.stringify(options);
    // To make one is slow.
    if (!this.formats.has(key)) this.formats.set(key, new Intl.NumberFormat(this.language, options));
    return this.formats.get(key).format(value);
  }

  unit(value, unit, digits = 0, unitDisplay = "short") {
    return this.number(value, { style: "unit", unit, unitDisplay, maximumFractionDigits: digits });
  }

  share(part, whole) {
    return this.number(whole ? Math.floor((100 * part) / whole) / 100 : 1, { style: "percent" });
  }

  bytes(count, suffix = "") {
    const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
    const power = Math.min(Math.floor(Math.log2(Math.max(count, 1)) / 10), units.length - 1);
    const value = count / 1024 ** power;
    return this.unit(value, units[power] + suffix, power && value < 100 ? 1 : 0, power ? "short" : "long");
  }

  duration(seconds) {
    if (seconds < 60) return this.unit(Math.max(1, Math.round(seconds)), "second");
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return this.unit(minutes, "minute");
    return `${this.unit(Math.floor(minutes / 60), "hour")} ${this.unit(minutes % 60, "minute")}`;
  }
}

// Smoothed, so that the time left does not jump.
class Speed {
  restart(sent) {
    this.time = performance.now();
    this.sent = sent;
    this.rate = 0;
  }

  update(sent) {
    const seconds = (performance.now() - this.time) / 1000;
    if (seconds < 0.5) return;
    const rate = (sent - this.sent) / seconds;
    this.rate = this.rate ? 0.7 * this.rate + 0.3 * rate : rate;
    this.time = performance.now();
    this.sent = sent;
  }
}

// --- Judging before sending: only what the server would refuse too

const APPLICATIONS = "application/zip application/x-* application/vnd.* application/epub+zip application/java-* image/openraster model/*";
const SIGNATURES = [
  [/^\x89PNG\r\n/, "image", "image/png image/apng image/vnd.*"],
  [/^\xff\xd8\xff/, "image", "image/jpeg image/jpg image/pjpeg"],
  [/^GIF8[79]a/, "image", "image/gif"],
  [/^RIFF....WEBP/s, "image", "image/webp"],
  [/^%PDF-/, "pdf", "application/pdf application/postscript application/illustrator application/vnd.*"],
  [/^RIFF....WAVE/s, "sound", "audio/*"],
  [/^fLaC/, "sound", "audio/* application/x-*"],
  [/^OggS/, "sound", "audio/* video/* application/ogg"],
  [/^RIFF....AVI /s, "video", "video/*"],
  [/^....ftyp/s, "video", "video/* audio/* image/* application/mp4"],
  [/^\x1aE\xdf\xa3/, "video", "video/* audio/* application/x-*"],
  [/^PK\x03\x04/, "archive", APPLICATIONS],
  [/^(\x1f\x8b|7z\xbc\xaf|Rar!|\xfd7zXZ|BZh)/, "archive", `${APPLICATIONS} application/gzip image/svg+xml`],
  [/^(\x7fELF|MZ[^]*\0|\xcf\xfa\xed\xfe|#!)/, "program", "application/x-* application/vnd.* application/octet-stream text/*"],
  [/^\s*<(!doctype html|html|script)/i, "page", "text/* application/xhtml+xml application/xml image/svg+xml"],
];

// Patterns such as `video/*` on either side.
function matches(one, other) {
  const [type, pattern] = one.endsWith("*") ? [other, one] : [one, other];
  return pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) || pattern.startsWith(type.replace("*", "")) : type === pattern;
}

class Rules {
  constructor({ accept = "", maxSize = "", allowed = "" }) {
    const accepted = accept.toLowerCase().split(",").map((item) => item.trim()).filter(Boolean);
    this.extensions = accepted.filter((item) => item.startsWith("."));
    this.types = accepted.filter((item) => item.includes("/"));
    this.anything = !accepted.length || this.types.includes("*/*");
    this.maxSize = Number(maxSize) || Infinity;
    this.allowed = allowed || accepted.join(", ");
  }

  accepts(...types) {
    return this.types.some((pattern) => types.some((type) => matches(type, pattern)));
  }

  // Return the words of a refusal, or nothing.
  async judge(file, words) {
    if (file.size > this.maxSize) {
      return words.say("too-large", { size: words.bytes(file.size), limit: words.bytes(this.maxSize) });
    }
    if (this.anything) return "";
    if (this.hasWrongName(file)) return words.say("wrong-name", this);
    const kind = this.types.length ? await this.wrongKind(file) : "";
    return kind && words.say("wrong-type", { found: words.say(`kind-${kind}`), allowed: this.allowed });
  }

  hasWrongName({ name, type }) {
    const named = this.extensions.some((extension) => name.toLowerCase().endsWith(extension));
    return !named && !this.accepts(type.toLowerCase()) && Boolean(type || !this.types.length);
  }

  async wrongKind(file) {
    const bytes = new Uint8Array(await file.slice(0, JUDGED).arrayBuffer());
    const head = String.fromCharCode(...bytes);
    const [, kind, types] = SIGNATURES.find(([signature]) => signature.test(head)) ?? [];
    return kind && !this.accepts(...types.split(" ")) ? kind : "";
  }
}

// --- What survives a reload: one record for each upload, in IndexedDB

const records = {
  async store(mode) {
    this.database ??= new Promise((resolve, reject) => {
      const opening = indexedDB.open("largefiles", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore("uploads", { keyPath: "key" });
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
    });
    return (await this.database).transaction("uploads", mode).objectStore("uploads");
  },

  // Private windows may have no database, and handles cannot always be stored.
  async request(mode, ask) {
    try {
      const request = ask(await this.store(mode));
      return await new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    } catch {
      return undefined;
    }
  },

  get: (key) => records.request("readonly", (store) => store.get(key)),
  put: (record) => records.request("readwrite", (store) => store.put(record)),
  delete: (key) => records.request("readwrite", (store) => store.delete(key)),

  async of(scope) {
    const found = (await this.request("readonly", (store) => store.getAll())) ?? [];
    const fresh = ({ time, isAsset }) => Date.now() - time < (isAsset ? KEPT_AS_ASSET : KEPT);
    found.filter((record) => !fresh(record)).forEach(({ key }) => this.delete(key));
    return found.filter((record) => fresh(record) && record.scope === scope);
  },
};

// --- Sending

// A semaphore for the whole page.
const turns = {
  free: UPLOADS_AT_ONCE,
  waiting: [],

  async take(signal) {
    signal.throwIfAborted();
    if (this.free) {
      this.free -= 1;
      return;
    }
    await new Promise((resolve, reject) => {
      this.waiting.push(resolve);
      signal.addEventListener("abort", () => {
        this.waiting = this.waiting.filter((other) => other !== resolve);
        reject(signal.reason);
      });
    });
  },

  give() {
    const next = this.waiting.shift();
    if (next) next();
    else this.free += 1;
  },
};

// Two tabs do not send one file: the second waits.
async function alone(name, signal, work, onWait = () => {}) {
  if (!navigator.locks) return work();
  const waiting = setTimeout(onWait, 500);
  try {
    return await navigator.locks.request(name, { signal }, () => {
      clearTimeout(waiting);
      return work();
    });
  } finally {
    clearTimeout(waiting);
  }
}

async function checksum(blob) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return `sha256 ${btoa(String.fromCharCode(...hash))}`;
}

// This module again. In the page a piece takes a tenth of a second, and memory that only a worker gives back.
async function checksumByWorker(blob) {
  const worker = new Worker(import.meta.url, { type: "module" });
  const answer = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data ? resolve(data) : reject(new Error("unreadable")));
    worker.onerror = reject;
  });
  worker.postMessage(blob);
  return answer.finally(() => worker.terminate());
}

function serveChecksum() {
  addEventListener("message", ({ data }) => checksum(data).then(postMessage, () => postMessage("")));
}

// tus-js-client has no hook for a header that depends on the body.
function requestWithChecksum(method, url) {
  const request = new tus.DefaultHttpStack().createRequest(method, url);
  const { send, abort } = request;
  let aborted = false;
  request.abort = () => {
    aborted = true;
    return abort.call(request);
  };
  request.send = async (body = null) => {
    if (body && globalThis.crypto?.subtle) {
      // A policy of the page may forbid workers.
      request.setHeader("Upload-Checksum", await (body.size > MIB ? checksumByWorker(body) : checksum(body)).catch(() => checksum(body)));
    }
    // An aborted XMLHttpRequest would still be sent.
    return aborted ? new Promise(() => {}) : send.call(request, body);
  };
  return request;
}

function problemOf({ originalResponse: answer, causingError: cause }) {
  // The file was changed or removed.
  if (cause instanceof DOMException) return cause;
  return answer ? Problem.of(answer.getStatus(), answer.getBody(), answer.getHeader("Retry-After")) : new Problem(0);
}

// Both send what is not on the server yet.
function sendByTus(upload, signal) {
  const { file, owner } = upload;
  return new Promise((resolve, reject) => {
    let began = performance.now();
    const client = new tus.Upload(file, {
      endpoint: upload.url ? null : owner.dataset.url,
      uploadUrl: upload.url || null,
      uploadDataDuringCreation: true,
      chunkSize: upload.url ? upload.piece : Math.min(FIRST_PIECE, upload.piece),
      retryDelays: null,
      storeFingerprintForResuming: false,
      httpStack: { createRequest: requestWithChecksum, getName: () => "largefiles" },
      headers: owner.headers,
      metadata: { filename: upload.name, filetype: file.type, ...owner.declaration },
      onAfterResponse: (request, response) => upload.setToken(response.getHeader("Largefiles-Token")),
      onUploadUrlAvailable: () => upload.setUrl(client.url),
      onProgress: (sent) => upload.progress(sent),
      onChunkComplete: (bytes, accepted) => {
        upload.accepted = accepted;
        if (performance.now() - began < QUICK_PIECE) upload.piece = Math.min(2 * upload.piece, owner.pieceSize);
        client.options.chunkSize = upload.piece;
        began = performance.now();
      },
      onSuccess: resolve,
      onError: (error) => reject(problemOf(error)),
    });
    signal.addEventListener("abort", () => {
      client.abort();
      reject(signal.reason);
    });
    client.start();
  });
}

// Send to the storage, in parts, to URLs that the site signs.
class DirectSending {
  constructor(upload, signal) {
    Object.assign(this, { upload, signal, sent: new Map() });
  }

  async run() {
    const arranged = this.upload.url ? await this.ask("GET", this.upload.url) : await this.create();
    this.upload.setToken(arranged.token);
    await this.upload.setUrl(arranged.urls.self, arranged.id);
    if (arranged.state !== "receiving") return;
    arranged.parts.forEach(({ number, size }) => this.sent.set(number, size));
    const numbers = Array.from({ length: arranged.part_count }, (_, index) => index + 1);
    this.missing = numbers.filter((number) => !this.sent.has(number));
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, () => this.sendParts(arranged)));
    await this.ask("POST", arranged.urls.complete, {});
  }

  async create() {
    const { file, name, owner } = this.upload;
    const head = btoa(String.fromCharCode(...new Uint8Array(await file.slice(0, JUDGED).arrayBuffer())));
    return this.ask("POST", owner.dataset.direct, { name, size: file.size, media_type: file.type, head, ...owner.declaration });
  }

  async sendParts(arranged) {
    while (this.missing.length) {
      const [part] = await this.ask("POST", arranged.urls.sign, { parts: [this.missing.shift()] });
      await this.put(part, (part.number - 1) * arranged.part_size);
    }
  }

  // Only XMLHttpRequest tells the progress of a request.
  put({ number, size, url, headers }, start) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("PUT", url);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded }) => this.progress(number, loaded);
      request.onerror = () => reject(new Problem(0));
      request.onload = () => {
        if (request.status === 200) resolve(this.accept(number, size));
        // The upload is gone; a signature that has expired is made anew by the next attempt.
        else reject(new Problem(request.status === 404 ? 410 : 0));
      };
      this.signal.addEventListener("abort", () => {
        request.abort();
        reject(this.signal.reason);
      });
      request.send(this.upload.file.slice(start, start + size));
    });
  }

  progress(number, bytes) {
    this.sent.set(number, bytes);
    this.upload.progress(sum([...this.sent.values()]));
  }

  accept(number, size) {
    this.upload.accepted += size;
    this.progress(number, size);
  }

  ask(method, url, said) {
    return ask(method, url, { headers: this.upload.owner.headers, said, signal: this.signal });
  }
}

async function ask(method, url, { headers = {}, said, signal, keepalive } = {}) {
  const body = said && JSON.stringify(said);
  const fields = { Accept: "application/json", ...(body && { "Content-Type": "application/json" }), ...headers };
  let answer, text;
  try {
    answer = await fetch(url, { method, headers: fields, body, signal, keepalive });
    text = await answer.text();
  } catch {
    throw signal?.aborted ? signal.reason : new Problem(0);
  }
  if (!answer.ok) throw Problem.of(answer.status, text, answer.headers.get("Retry-After"));
  return text ? JSON.parse(text) : null;
}

// --- One file

// docs/widget.rst lists the states.
class Upload {
  state = "judging";
  url = "";
  id = "";
  token = "";
  problem = "";
  asset = null;
  sent = 0;
  shown = 0;
  accepted = 0;
  speed = new Speed();
  stopping = new AbortController();

  // `path` is that of the folder.
  constructor(owner, { file = null, handle = null, record = null, path = "" }) {
    const { name, size = 0, lastModified = 0 } = file ?? record;
    Object.assign(this, { owner, file, handle, name, size, lastModified, piece: owner.pieceSize }, record);
    this.likeness = JSON.stringify([owner.scope, name, size, lastModified]);
    this.key ??= this.likeness + path;
    this.lock = `largefiles ${this.key}`;
  }

  get isSending() {
    return ["judging", "queued", "elsewhere", "sending", "waiting"].includes(this.state);
  }

  get hasArrived() {
    return ["received", "processing", "ready"].includes(this.state);
  }

  get isRefused() {
    return ["refused", "rejected", "failed", "gone"].includes(this.state);
  }

  change(state, more = {}) {
    Object.assign(this, { state, ...more });
    this.owner.changed(this, "state");
  }

  async start() {
    const { signal } = this.stopping;
    this.change("judging");
    const problem = await this.owner.rules.judge(this.file, this.owner.words).catch(() => this.owner.words.say("unreadable"));
    if (signal.aborted) return;
    if (problem) this.change("refused", { problem });
    else await this.resume();
  }

  async resume() {
    const { signal } = (this.stopping = new AbortController());
    this.change("queued");
    try {
      await alone(this.lock, signal, () => this.takeTurn(signal), () => this.change("elsewhere"));
      this.arrived();
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    }
  }

  async takeTurn(signal) {
    this.change("queued");
    await turns.take(signal);
    try {
      await this.send(signal);
    } finally {
      turns.give();
    }
  }

  async send(signal) {
    const record = await records.get(this.key);
    // Another tab may have begun, or ended.
    if (record) Object.assign(this, { url: record.url, id: record.id });
    let restarted = false;
    for (let tries = 0; ; tries += 1) {
      const before = this.accepted;
      try {
        await this.attempt(signal);
        // A file that a row has gives no token: another row needs one of its own.
        if (this.token || restarted || !record?.complete || !this.owner.isProvisional) return;
        restarted = true;
        await this.forget();
      } catch (error) {
        if (signal.aborted || !(error instanceof Problem)) throw error;
        if (this.accepted > before) tries = 0;
        if (error.gone && this.url && !restarted) {
          restarted = true;
          this.reset();
        } else if (error.passing) {
          this.piece = Math.max(LEAST_PIECE, this.piece / 2);
          await this.rest(error.delay || Math.min(LONGEST_DELAY, 1000 * 2 ** tries) * (0.5 + Math.random() / 2), signal);
        } else {
          throw error;
        }
      }
    }
  }

  // One connection. It is given up when the browser goes offline, or hears nothing for a minute.
  async attempt(signal) {
    const attempt = new AbortController();
    const lost = () => attempt.abort(new Problem(0));
    const stop = () => attempt.abort(signal.reason);
    const during = { signal: attempt.signal };
    signal.throwIfAborted();
    signal.addEventListener("abort", stop, during);
    addEventListener("offline", lost, during);
    this.heard = () => {
      clearTimeout(this.silence);
      // The server may take its time to answer the last piece.
      if (this.sent < this.size) this.silence = setTimeout(lost, SILENCE);
    };
    this.heard();
    this.speed.restart(this.sent);
    this.change("sending");
    try {
      if (this.owner.dataset.direct) await new DirectSending(this, attempt.signal).run();
      else await sendByTus(this, attempt.signal);
    } finally {
      clearTimeout(this.silence);
      // If a part failed, the others end too.
      attempt.abort();
    }
  }

  // Until the delay is over, the browser is online again, or a person asks to try now.
  rest(delay, signal) {
    this.change("waiting");
    return new Promise((resolve, reject) => {
      const stop = () => reject(signal.reason);
      this.retry = () => {
        clearTimeout(timer);
        removeEventListener("online", this.retry);
        signal.removeEventListener("abort", stop);
        resolve();
      };
      const timer = setTimeout(this.retry, delay);
      addEventListener("online", this.retry);
      signal.addEventListener("abort", stop);
    });
  }

  progress(sent) {
    this.sent = sent;
    this.speed.update(sent);
    this.heard();
    clearTimeout(this.later);
    const wait = this.shown + 200 - performance.now();
    // The last value is shown even if the network is silent after it.
    if (wait > 0 && sent < this.size) this.later = setTimeout(() => this.isSending && this.show(), wait);
    else this.show();
  }

  show() {
    this.shown = performance.now();
    this.owner.changed(this, "progress");
  }

  setToken(token) {
    if (token) this.token = token;
  }

  setUrl(url, id = new URL(url, location).pathname.split("/").filter(Boolean).pop()) {
    Object.assign(this, { url, id });
    return this.remember();
  }

  async remember(complete = false) {
    const { key, url, id, name, size, lastModified, handle } = this;
    const { scope, isProvisional } = this.owner;
    const isAsset = complete && !isProvisional;
    const record = { key, scope, url, id, name, size, lastModified, complete, isAsset, time: Date.now() };
    if (!handle || (await records.put({ ...record, handle })) === undefined) await records.put(record);
  }

  reset() {
    Object.assign(this, { url: "", id: "", token: "", sent: 0 });
  }

  forget() {
    this.reset();
    return records.delete(this.key);
  }

  arrived() {
    this.sent = this.size;
    this.remember(true);
    this.change("received");
    this.unwatch = watch(this.owner.dataset.events, this.id, (asset) => this.follow(asset));
  }

  follow(asset) {
    const { state, words, detail } = asset;
    if (SETTLED.has(state) && state !== "ready") records.delete(this.key);
    this.change(state, { asset, problem: words || detail || "" });
  }

  fail(error) {
    const { words } = this.owner;
    if (error.code === "taken_over") this.change("paused", { problem: words.say("taken-over") });
    else {
      const said = error instanceof Problem ? error.message || words.say("status", error) : words.say("unreadable");
      this.change("refused", { problem: said });
    }
  }

  // What is on the server of an upload that a reload interrupted. Raise a Problem if it is gone.
  async find() {
    const { direct } = this.owner.dataset;
    const headers = { Accept: "application/json", "Tus-Resumable": "1.0.0" };
    const answer = await fetch(this.url, { method: direct ? "GET" : "HEAD", headers });
    if (!answer.ok) throw new Problem(answer.status);
    const { state, parts, token } = direct ? await answer.json() : {};
    this.sent = direct ? sum(parts.map(({ size }) => size)) : Number(answer.headers.get("Upload-Offset"));
    // A direct upload has all its bytes before it is completed.
    this.isComplete = direct ? state !== "receiving" : this.sent === this.size;
    this.setToken(token ?? answer.headers.get("Largefiles-Token"));
  }

  pause() {
    this.stop();
    this.change("paused", { problem: "" });
  }

  // By the handle, without a person's choosing the file again.
  async reopen() {
    if (!this.file && this.handle) {
      const granted = (await this.handle.requestPermission?.({ mode: "read" })) ?? "granted";
      if (granted === "granted") this.file = await this.handle.getFile().catch(() => null);
    }
    if (!this.file) return false;
    if (this.file.size === this.size && this.file.lastModified === this.lastModified) this.resume();
    else this.change("refused", { problem: this.owner.words.say("unreadable") });
    return true;
  }

  stop() {
    this.stopping.abort(new DOMException("stopped", "AbortError"));
    this.unwatch?.();
  }

  // Remove what the server has, unless the file belongs to the server now, or another tab is at it.
  async cancel() {
    const { url, state } = this;
    this.stop();
    if (state === "elsewhere") return;
    await this.forget();
    if (!url || (this.hasArrived && !this.owner.isProvisional) || state === "rejected") return;
    const headers = { ...this.owner.headers, "Tus-Resumable": "1.0.0" };
    await ask("DELETE", url, { headers, keepalive: true }).catch(() => {});
  }
}

// --- States, live: one stream for the page, or polling where the server has none

class Watcher {
  constructor(url) {
    this.url = url;
    this.watched = new Map();
    document.addEventListener("visibilitychange", () => this.restart());
  }

  add(id, callback) {
    if (!this.watched.has(id)) {
      this.watched.set(id, new Set());
      this.restart();
    }
    this.watched.get(id).add(callback);
    return () => {
      const callbacks = this.watched.get(id);
      if (callbacks?.delete(callback) && !callbacks.size) this.watched.delete(id);
    };
  }

  restart() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), 50);
  }

  open() {
    this.source?.close();
    clearTimeout(this.timer);
    // A browser has six connections to a site over HTTP/1.1, and tabs in the background need none.
    if (!this.watched.size || document.hidden) return;
    if (this.polls) return this.poll(1000);
    const source = new EventSource(this.address);
    source.addEventListener("state", ({ data }) => this.tell(JSON.parse(data)));
    source.addEventListener("gone", ({ data }) => this.tell({ ...JSON.parse(data), state: "gone" }));
    // It reconnects by itself, unless the server has no stream, or all states were settled before.
    source.addEventListener("error", () => source.readyState === EventSource.CLOSED && this.poll(1000));
    this.source = source;
  }

  get address() {
    const ids = [...this.watched.keys()].slice(0, MOST_WATCHED);
    return `${this.url}?${new URLSearchParams(ids.map((id) => ["asset", id]))}`;
  }

  async poll(interval) {
    const { states = [], gone = [] } = (await ask("GET", this.address).catch(() => null)) ?? {};
    const told = [...states, ...gone.map((id) => ({ id, state: "gone" }))].map((asset) => this.tell(asset));
    if (!this.watched.size || document.hidden) return;
    this.polls = true;
    const next = told.some(Boolean) ? 1000 : Math.min(5000, 1.5 * interval);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.poll(next), interval);
  }

  // Return whether this is new.
  tell(asset) {
    const callbacks = this.watched.get(asset.id);
    const version = JSON.stringify(asset);
    if (!callbacks || callbacks.version === version) return false;
    callbacks.version = version;
    if (SETTLED.has(asset.state)) {
      this.watched.delete(asset.id);
      // Others wait for a place.
      if (this.watched.size >= MOST_WATCHED) this.restart();
    }
    for (const callback of callbacks) callback(asset);
    if (!this.watched.size) this.source?.close();
    return true;
  }
}

const watchers = new Map();

// Call `callback` with each state of an asset until it is settled. Return a function that ends this.
function watch(url, id, callback) {
  if (!url) return () => {};
  if (!watchers.has(url)) watchers.set(url, new Watcher(url));
  return watchers.get(url).add(id, callback);
}

// --- What a person sees of one file

const ACTIONS = {
  judging: ["cancel"],
  queued: ["pause", "cancel"],
  elsewhere: ["remove"],
  sending: ["pause", "cancel"],
  waiting: ["retry", "cancel"],
  paused: ["resume", "cancel"],
  interrupted: ["resume", "cancel"],
};

class Row {
  constructor(upload) {
    this.upload = upload;
    this.words = upload.owner.words;
    const template = upload.owner.querySelector("template[data-part=row]");
    this.node = template.content.firstElementChild.cloneNode(true);
    this.node.addEventListener("click", (event) => this.clicked(event));
    this.slot("name").textContent = upload.name;
    this.slot("size").textContent = this.words.bytes(upload.size);
    this.slot("progress").setAttribute("aria-label", upload.name);
    for (const button of this.node.querySelectorAll("[data-action]")) {
      button.setAttribute("aria-label", `${button.textContent.trim()} ${upload.name}`);
    }
  }

  slot(name) {
    return this.node.querySelector(`[data-slot=${name}]`);
  }

  clicked({ target }) {
    const { action } = target.closest("[data-action]")?.dataset ?? {};
    if (action) this.upload.owner.act(this.upload, action);
  }

  render() {
    const { state, sent, size } = this.upload;
    if (this.node.dataset.state !== state) this.changed(state);
    const progress = this.slot("progress");
    progress.hidden = !this.upload.isSending && !["paused", "interrupted"].includes(state);
    progress.value = size ? sent / size : 1;
    this.slot("status").textContent = this.status();
  }

  changed(state) {
    const { activeElement } = document;
    this.node.dataset.state = state;
    const shown = ACTIONS[state] ?? ["remove"];
    for (const button of this.node.querySelectorAll("[data-action]")) {
      button.hidden = !shown.includes(button.dataset.action);
    }
    // The focus stays on the row if its button is gone.
    if (this.node.contains(activeElement) && activeElement.hidden) this.focus();
    this.keepToken();
    if (state === "ready") this.preview();
  }

  keepToken() {
    const { hasArrived, token, owner } = this.upload;
    this.node.querySelector("input[type=hidden]")?.remove();
    if (!hasArrived || !token || !owner.multiple) return;
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: owner.input.name, value: token });
    this.node.append(field);
  }

  focus() {
    (this.node.querySelector("[data-action]:not([hidden])") ?? this.node).focus();
  }

  status() {
    const { words, upload } = this;
    const { state, sent, size, asset } = upload;
    const values = { sent: words.bytes(sent), size: words.bytes(size), share: words.share(sent, size), reason: upload.problem };
    if (state === "sending") return this.progress(values);
    if (state === "waiting") return words.say(navigator.onLine ? "waiting" : "offline");
    if (state === "paused" && upload.problem) return upload.problem;
    if (state === "interrupted" && !upload.handle) return words.say("choose-again", values);
    if (state === "processing" && words.has(`stage-${asset.stage}`)) {
      return words.say(`stage-${asset.stage}`, { share: words.share(asset.stage_done, size) });
    }
    return words.say(state, values);
  }

  progress(values) {
    const { words } = this;
    const { rate } = this.upload.speed;
    const parts = [words.say("sending", values)];
    if (rate > 0) {
      const left = words.duration((this.upload.size - this.upload.sent) / rate);
      parts.push(words.bytes(rate, "-per-second"), words.say("left", { time: left }));
    }
    return parts.join(" · ");
  }

  // Show a picture, and play a film or a sound.
  preview() {
    const { asset, owner } = this.upload;
    const [kind] = (asset?.media_type ?? "").split("/");
    const tag = { image: "img", video: "video", audio: "audio" }[kind];
    if (!tag || !owner.dataset.download) return;
    const node = document.createElement(tag);
    if (tag === "img") node.alt = "";
    else Object.assign(node, { controls: true, preload: "metadata", ariaLabel: this.upload.name });
    node.src = owner.dataset.download.replace(NO_ASSET, this.upload.id);
    node.addEventListener("error", () => node.remove());
    this.slot(tag === "img" ? "picture" : "player").append(node);
  }
}

// --- Forms: sent when their uploads are complete

class Gate {
  static gates = new WeakMap();

  static of(form) {
    if (!this.gates.has(form)) this.gates.set(form, new Gate(form));
    return this.gates.get(form);
  }

  constructor(form) {
    this.form = form;
    this.elements = new Set();
    // Before other listeners, which may send the form by themselves.
    form.addEventListener("submit", (event) => this.submitted(event), { capture: true });
    form.addEventListener("reset", () => this.present.forEach((element) => element.clear()));
  }

  get present() {
    return [...this.elements].filter(({ form }) => form === this.form);
  }

  get uploads() {
    return this.present.flatMap(({ uploads }) => uploads);
  }

  submitted(event) {
    const stuck = this.uploads.find((upload) => !upload.isSending && !upload.hasArrived);
    const busy = this.uploads.find((upload) => upload.isSending);
    if (!stuck && !busy) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (stuck) stuck.owner.block(stuck);
    else this.wait(busy.owner, event.submitter);
  }

  wait(element, submitter) {
    this.waiting = { element, submitter };
    element.askToWait(true);
  }

  stop() {
    this.waiting?.element.askToWait(false);
    this.waiting = null;
  }

  changed() {
    if (!this.waiting || this.uploads.some((upload) => upload.isSending)) return;
    const { submitter } = this.waiting;
    this.stop();
    this.form.requestSubmit(submitter?.isConnected ? submitter : undefined);
  }
}

// --- The elements

// The older interface to folders.
async function* childrenOf(folder) {
  const reader = folder.createReader();
  const read = () => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  for (let entries = await read(); entries.length; entries = await read()) yield* entries;
}

// Handles, or entries of the older interface. What cannot be read has a name only, and is refused.
async function* filesIn(entry, path = "") {
  const { name } = entry;
  try {
    if (entry.kind === "file") yield { path, file: await entry.getFile(), handle: entry };
    else if (entry.isFile) yield { path, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) };
    else for await (const child of entry.values?.() ?? childrenOf(entry)) yield* filesIn(child, `${path}${name}/`);
  } catch {
    yield { path, record: { name } };
  }
}

// The items are only there until the event is over.
async function* transferred({ items }) {
  const all = [...items]
    .filter(({ kind }) => kind === "file")
    .map((item) => [item.getAsFile(), item.getAsFileSystemHandle?.(), item.webkitGetAsEntry?.()]);
  for (const [file, asked, entry] of all) {
    const handle = await asked?.catch(() => null);
    if (handle || entry?.isDirectory) yield* filesIn(handle || entry);
    else if (file) yield { file };
  }
}

const carriesFiles = ({ dataTransfer }) => [...(dataTransfer?.types ?? [])].includes("Files");

// A worker has no elements.
const Element = globalThis.HTMLElement ?? Object;

class LargefileUpload extends Element {
  connectedCallback() {
    // Moved within the page.
    if (this.uploads) return;
    this.input = this.querySelector("input[type=file]");
    // A form that Django's formsets copy has a prefix in the place of its number.
    if (!this.input || this.input.name.includes("__prefix__") || !globalThis.tus?.isSupported) return;
    this.uploads = [];
    this.rows = new Map();
    this.batch = new Set();
    this.words = new Words(this);
    this.rules = new Rules({ accept: this.input.accept, ...this.dataset });
    this.tokenField = this.querySelector(`input[type=hidden][name="${CSS.escape(this.input.name)}"]`);
    this.initial = this.tokenField?.value ?? "";
    this.required = this.input.required;
    this.invalid = this.input.getAttribute("aria-invalid");
    this.build();
    this.listen();
    this.restore();
    this.emit("ready");
  }

  disconnectedCallback() {
    queueMicrotask(() => {
      if (this.uploads && !this.isConnected) this.pause();
    });
  }

  // --- For scripts of the page

  // Add files as if a person had chosen them.
  add(files) {
    this.take([...files].map((file) => ({ file, path: file.webkitRelativePath.slice(0, -file.name.length) })));
  }

  pause() {
    for (const upload of this.uploads) if (upload.isSending) upload.pause();
  }

  resume() {
    for (const upload of this.uploads) if (upload.state === "paused") upload.resume();
  }

  clear() {
    for (const upload of [...this.uploads]) this.discard(upload);
  }

  // --- For the classes above

  get multiple() {
    return this.input.multiple;
  }

  get form() {
    return this.input.form;
  }

  get isProvisional() {
    return this.dataset.attachment !== "standalone";
  }

  get declaration() {
    return { profile: this.dataset.profile || "default", ...(this.isProvisional && { attachment: "provisional" }) };
  }

  get headers() {
    const field = this.form?.querySelector("[name=csrfmiddlewaretoken]") ?? document.querySelector("[name=csrfmiddlewaretoken]");
    const token = this.dataset.csrf || field?.value;
    return token ? { "X-CSRFToken": token } : {};
  }

  get scope() {
    return JSON.stringify([this.dataset.user ?? "", location.pathname, this.input.name, this.dataset.profile ?? ""]);
  }

  get pieceSize() {
    return Number(this.dataset.pieceSize) || PIECE;
  }

  changed(upload, what) {
    this.rows.get(upload)?.render();
    if (what === "state") {
      this.synchronize();
      this.tell(upload);
      if (this.form) Gate.of(this.form).changed();
    } else this.tellProgress();
    this.emit(what, upload);
  }

  act(upload, action) {
    this.note("");
    if (action === "pause") upload.pause();
    else if (action === "retry") upload.retry();
    else if (action === "resume") this.reopen(upload);
    else {
      const index = this.uploads.indexOf(upload);
      this.discard(upload);
      const next = this.uploads[index] ?? this.uploads[index - 1];
      if (next) this.rows.get(next).focus();
      else this.input.focus();
    }
  }

  block(upload) {
    this.note(this.words.say("form-blocked"));
    this.rows.get(upload).focus();
  }

  askToWait(waits) {
    this.area("waiting").hidden = !waits;
    if (waits) this.announce(this.words.say("form-waiting"));
  }

  // --- Building

  area(name) {
    return this.querySelector(`[data-part=${name}]:not(template)`);
  }

  build() {
    // A copy has these already.
    this.area("tools")?.remove();
    this.append(this.querySelector("template[data-part=tools]").content.cloneNode(true));
    this.list = this.area("files");
    this.area("folder").hidden = !this.multiple || !("webkitdirectory" in this.input);
    this.toggleAttribute("data-enhanced", true);
  }

  listen() {
    // The script of Unfold's admin writes the name of a file into a text field near any input without this.
    this.input.hasChangeListener = true;
    this.input.addEventListener("change", () => this.chosen(this.input));
    this.input.addEventListener("click", (event) => this.pick(event));
    this.area("folder").addEventListener("click", () => this.chooseFolder());
    this.area("stop").addEventListener("click", () => Gate.of(this.form).stop());
    this.addEventListener("dragover", (event) => this.dragged(event));
    this.addEventListener("dragleave", (event) => this.contains(event.relatedTarget) || this.mark(false));
    this.addEventListener("drop", (event) => this.dropped(event));
    if (this.form) Gate.of(this.form).elements.add(this);
  }

  // --- Choosing files

  chosen(input) {
    const files = [...input.files];
    // What is uploaded is not posted with the form too.
    input.value = "";
    this.add(files);
  }

  // With handles, by which an upload goes on after a reload, if the browser has them.
  async pick(event) {
    if (!globalThis.showOpenFilePicker || this.usesNativeDialog) return;
    event.preventDefault();
    try {
      const handles = await showOpenFilePicker({ multiple: this.multiple, ...this.filter() });
      this.take(await Promise.all(handles.map(async (handle) => ({ file: await handle.getFile(), handle }))));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.usesNativeDialog = true;
      this.input.click();
    }
  }

  filter() {
    const { types, extensions, anything } = this.rules;
    if (anything) return {};
    const accept = Object.fromEntries(types.map((type) => [type, []]));
    if (extensions.length) accept["application/octet-stream"] = extensions;
    return { types: [{ accept }] };
  }

  chooseFolder() {
    const input = document.createElement("input");
    Object.assign(input, { type: "file", webkitdirectory: true });
    input.addEventListener("change", () => this.chosen(input));
    input.click();
  }

  get accepts() {
    return !this.input.matches(":disabled");
  }

  mark(dragging) {
    this.toggleAttribute("data-dragging", dragging);
  }

  dragged(event) {
    if (!carriesFiles(event) || !this.accepts) return;
    event.preventDefault();
    this.mark(true);
  }

  dropped(event) {
    this.mark(false);
    if (!carriesFiles(event) || !this.accepts) return;
    event.preventDefault();
    this.receive(event.dataTransfer);
  }

  async receive(transfer) {
    const sources = [];
    for await (const source of transferred(transfer)) sources.push(source);
    this.take(sources);
  }

  take(sources) {
    if (!sources.length || !this.accepts) return;
    this.note(sources.length > 1 && !this.multiple ? this.words.say("only-one") : "");
    if (this.multiple) sources.forEach((source) => this.begin(source));
    else this.replaceBy(sources[0]);
  }

  replaceBy(source) {
    const known = this.known(new Upload(this, source));
    for (const upload of [...this.uploads]) if (upload !== known) this.discard(upload);
    this.begin(source);
  }

  begin(source) {
    const upload = new Upload(this, source);
    const known = this.known(upload);
    // The file of an interrupted upload was chosen again; others are here already.
    if (known && !known.isRefused) {
      if (!known.file) {
        Object.assign(known, { file: source.file, handle: source.handle ?? known.handle });
        known.resume();
      }
      return;
    }
    if (known) this.discard(known);
    if (this.emit("add", upload, { cancelable: true })) {
      this.show(upload);
      upload.start();
    }
  }

  // An interrupted file of a folder may be chosen again alone.
  known({ key }) {
    const find = (matches) => this.uploads.find(matches);
    return find((upload) => upload.key === key) ?? find((upload) => !upload.file && upload.likeness === key);
  }

  show(upload) {
    const row = new Row(upload);
    this.uploads.push(upload);
    this.rows.set(upload, row);
    row.render();
    this.list.append(row.node);
    this.list.hidden = false;
  }

  discard(upload) {
    this.uploads = this.uploads.filter((other) => other !== upload);
    this.rows.get(upload).node.remove();
    this.rows.delete(upload);
    this.batch.delete(upload);
    this.list.hidden = !this.uploads.length;
    upload.cancel();
    this.synchronize();
    this.emit("remove", upload);
    if (this.form) Gate.of(this.form).changed();
  }

  // Uploads that were interrupted. Those that the server has no more are forgotten.
  async restore() {
    for (const record of await records.of(this.scope)) {
      const upload = new Upload(this, { record });
      if (record.complete) continue;
      // Not what another tab sends. A page that was left may give its locks back later.
      alone(upload.lock, AbortSignal.timeout(1000), () => {})
        .then(() => upload.find())
        .then(
          () => this.interrupted(upload),
          ({ gone }) => gone && !this.known(upload) && upload.forget(),
        );
    }
  }

  async interrupted(upload) {
    // Its file was chosen again.
    if (this.known(upload)) return;
    upload.state = "interrupted";
    this.show(upload);
    if (upload.isComplete) return upload.arrived();
    this.emit("state", upload);
    const granted = await upload.handle?.queryPermission?.({ mode: "read" });
    if (granted === "granted") await upload.reopen();
  }

  async reopen(upload) {
    // Without a handle the person chooses the file again, and ``begin`` finds its upload.
    if (!(await upload.reopen())) this.input.click();
  }

  // --- The form's fields

  synchronize() {
    const arrived = this.uploads.filter((upload) => upload.hasArrived && upload.token);
    if (!this.multiple && this.tokenField) this.tokenField.value = arrived.at(-1)?.token ?? this.initial;
    this.input.required = this.required && !arrived.length && !this.uploads.some((upload) => upload.isSending);
    const invalid = this.uploads.some((upload) => upload.isRefused) ? "true" : this.invalid;
    if (invalid) this.input.setAttribute("aria-invalid", invalid);
    else this.input.removeAttribute("aria-invalid");
  }

  // --- Telling

  announce(text) {
    this.area("announcement").textContent = text;
  }

  alert(text) {
    this.area("alert").textContent = text;
  }

  // For all to see.
  note(text) {
    this.area("note").textContent = text;
  }

  tell(upload) {
    const { name, state, problem } = upload;
    if (state === "sending" && !this.batch.has(upload)) {
      this.batch.add(upload);
      this.quarter = 0;
      this.announce(this.words.say("announce-start", { name }));
    }
    if (upload.isRefused) this.alert(this.words.say("announce-refused", { name, reason: problem }));
    // The server may say it too.
    if (state === "ready" || (state === "received" && !upload.asset)) this.announce(this.words.say(`announce-${state}`, { name }));
    if (![...this.batch].some((upload) => upload.isSending)) this.batch.clear();
  }

  tellProgress() {
    const uploads = [...this.batch];
    const quarter = Math.floor((4 * sum(uploads.map(({ sent }) => sent))) / sum(uploads.map(({ size }) => size)));
    if (!(quarter > this.quarter) || quarter > 3) return;
    this.quarter = quarter;
    const what = uploads.length > 1 ? this.words.say("files", { count: uploads.length }) : uploads[0].name;
    this.announce(this.words.say("announce-progress", { share: this.words.share(quarter, 4), name: what }));
  }

  emit(name, upload, options) {
    return this.dispatchEvent(new CustomEvent(`largefiles:${name}`, { bubbles: true, detail: { upload }, ...options }));
  }
}

// The state of an asset, kept up to date by the server.
class LargefileState extends Element {
  connectedCallback() {
    const { asset, events = this.closest("largefile-upload")?.dataset.events, state } = this.dataset;
    if (!SETTLED.has(state)) this.unwatch = watch(events, asset, (found) => this.show(found));
  }

  disconnectedCallback() {
    this.unwatch?.();
  }

  show(asset) {
    const key = `state-${asset.state}`;
    const words = new Words(document);
    if (words.has(key)) this.textContent = words.say(key);
    this.dataset.state = asset.state;
    this.dispatchEvent(new CustomEvent("largefiles:status", { bubbles: true, detail: { asset } }));
  }
}

// --- The page

const elements = () => [...document.querySelectorAll("largefile-upload")].filter(({ uploads }) => uploads);

function start() {
  // Files that are pasted go to the element that has the focus, or to the only one of the page.
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length || event.target.closest?.("input:not([type=file]), textarea, [contenteditable]")) return;
    const all = elements();
    const element = event.target.closest?.("largefile-upload") ?? (all.length === 1 ? all[0] : null);
    if (!element?.uploads) return;
    event.preventDefault();
    element.receive(event.clipboardData);
  });

  // A file that misses the element would replace the page.
  for (const name of ["dragover", "drop"]) {
    document.addEventListener(name, (event) => {
      if (elements().length && carriesFiles(event) && !event.target.closest?.("input[type=file]:enabled")) event.preventDefault();
    });
  }

  addEventListener("beforeunload", (event) => {
    if (elements().some(({ uploads }) => uploads.some((upload) => upload.isSending))) event.preventDefault();
  });

  customElements.define("largefile-upload", LargefileUpload);
  customElements.define("largefile-state", LargefileState);
}

if (globalThis.document) start();
else serveChecksum();
