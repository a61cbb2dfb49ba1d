// Upload with progress, then poll until the file is settled. Without this script the form is posted by the browser, and
// the page of the file reloads itself. The server renders everything that is shown of a file, on that page.

import { sendDirectly } from "./direct.js";

const POLL_MILLISECONDS = 1000;
const PLACEHOLDER = "00000000-0000-0000-0000-000000000000";
const SETTLED = new Set(["ready", "rejected", "failed"]);

const pause = () => new Promise((resume) => setTimeout(resume, POLL_MILLISECONDS));

function send(form, file, token, onProgress) {
  const request = new XMLHttpRequest();
  const body = new FormData();
  body.append("file", file);
  request.open("POST", form.dataset.api);
  request.responseType = "json";
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("X-CSRFToken", token);
  request.upload.addEventListener("progress", (event) => onProgress(event.loaded, event.total));
  const answer = new Promise((resolve, reject) => {
    request.addEventListener("load", () => resolve({ status: request.status, body: request.response ?? {} }));
    request.addEventListener("error", () =>
      reject(new Error("The connection was lost before the whole file was sent, or the server refused it.")),
    );
    request.addEventListener("abort", () => reject(new Error("Cancelled.")));
  });
  request.send(body);
  return { answer, cancel: () => request.abort() };
}

function refusal({ status, body }) {
  return body.detail ?? body.title ?? `The server answered ${status}.`;
}

async function fetchArticle(page) {
  const response = await fetch(page);
  const content = new DOMParser().parseFromString(await response.text(), "text/html");
  return content.querySelector("article.asset");
}

async function readStatus(url) {
  try {
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    return response.ok ? await response.json() : null;
  } catch {
    // Try again: the network may recover, and the file is stored already.
    return null;
  }
}

function describe({ state, stage, stage_done: done, size }) {
  if (state !== "processing" || !stage) return state;
  const share = size && done ? `, ${Math.floor((100 * done) / size)} %` : "";
  return `${state} (${stage}${share})`;
}

async function follow(article) {
  const badge = article.querySelector(".state");
  while (article.isConnected) {
    const status = await readStatus(article.dataset.status);
    if (status && SETTLED.has(status.state)) break;
    if (status) {
      badge.dataset.state = status.state;
      badge.textContent = describe(status);
    }
    await pause();
  }
  const settled = await fetchArticle(article.dataset.page);
  if (!settled) return;
  // Keep the live region itself, so that screen readers announce the change.
  article.querySelector("[role=status]").replaceChildren(...settled.querySelector("[role=status]").childNodes);
  article.querySelector(".facts").replaceWith(settled.querySelector(".facts"));
}

async function show(container, page) {
  const article = await fetchArticle(page);
  if (!article) return;
  container.replaceChildren(article);
  if (article.dataset.status) await follow(article);
}

class UploadForm {
  constructor(form) {
    this.form = form;
    this.file = form.elements.namedItem("file");
    this.token = form.elements.namedItem("csrfmiddlewaretoken").value;
    this.submit = form.querySelector("button:not([type=button])");
    this.cancel = form.querySelector("#cancel");
    this.progress = form.querySelector("#progress");
    this.label = form.querySelector("#progress-label");
    this.message = form.querySelector("#message");
    this.result = document.querySelector("#uploaded");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.upload(this.file.files[0]);
    });
  }

  async upload(file) {
    this.say("Sending…");
    this.setBusy(true);
    const sending = this.send(file, (done, total) => this.setProgress(done, total));
    this.cancel.onclick = sending.cancel;
    try {
      const answer = await sending.answer;
      if (answer.status !== 201) return this.fail(refusal(answer));
      this.say(`${file.name} has arrived.`);
      this.form.reset();
      this.setBusy(false);
      return await show(this.result, this.form.dataset.page.replace(PLACEHOLDER, answer.body.id));
    } catch (error) {
      return this.fail(error.message);
    } finally {
      this.setBusy(false);
    }
  }

  send(file, onProgress) {
    const { direct } = this.form.dataset;
    return direct ? sendDirectly(direct, file, this.token, onProgress) : send(this.form, file, this.token, onProgress);
  }

  setBusy(busy) {
    this.submit.disabled = busy;
    this.cancel.hidden = this.progress.hidden = this.label.hidden = !busy;
    this.form.setAttribute("aria-busy", busy);
  }

  setProgress(done, total) {
    this.progress.max = total;
    this.progress.value = done;
    this.label.textContent = `Sent ${Math.floor((100 * done) / total)} %`;
  }

  say(words) {
    this.message.className = "";
    this.message.textContent = words;
  }

  fail(words) {
    this.message.className = "error";
    this.message.textContent = `Not uploaded: ${words}`;
  }
}

for (const form of document.querySelectorAll("form#upload")) new UploadForm(form);
for (const article of document.querySelectorAll("article.asset[data-status]")) follow(article);
