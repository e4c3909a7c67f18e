// The three requests of the page. Addresses are relative, so any path prefix of a proxy works.

const FORGOTTEN = "picture-forgotten";
const MOST_SENDINGS = 4; // several workers without a shared store may each want the picture once

/** What went wrong, in one sentence for people. */
export class ServerError extends Error {
  constructor(message, code = "") {
    super(message);
    this.code = code;
  }
}

/** Model and limits. */
export async function fetchAbout() {
  return answerOf(await reach(() => fetch("about")));
}

/** A picture that the server knows, or will: `send` it first, then ask for masks. */
export class SentPicture {
  ready = null; // a promise of {id, width, height}

  /** `say(text)` is told what is going on. */
  constructor(blob, say) {
    this.blob = blob;
    this.say = say;
  }

  /** The server makes the embedding at once, and answers when it is made. */
  send(before = "") {
    this.ready = this.#send(before);
    this.ready.catch(() => {}); // whoever waits for it sees the error
    return this.ready;
  }

  /** Ask for masks; a picture that the server has forgotten is sent again without anybody noticing. */
  async masks(prompts) {
    for (let sendings = 1; ; sendings++) {
      const { id } = await this.#again();
      try {
        return await postJson(`pictures/${id}/masks`, prompts);
      } catch (error) {
        if (error.code !== FORGOTTEN) throw error;
        if (sendings === MOST_SENDINGS) {
          throw new ServerError("The server keeps no picture long enough to answer: its SAM_CACHE_MB is too small.");
        }
        this.send("The server had forgotten the picture: ");
      }
    }
  }

  /** What could not be sent before, because the server was away, may be sent now. */
  #again() {
    this.ready = this.ready.catch(() => this.#send(""));
    return this.ready;
  }

  async #send(before) {
    try {
      return await sendBlob("pictures", this.blob, (part) => {
        this.say(part < 1 ? `${before}sending… ${Math.round(100 * part)} %` : `${before}encoding…`);
      });
    } finally {
      this.say("");
    }
  }
}

/** XMLHttpRequest, because fetch doesn't tell how much has been sent. */
function sendBlob(address, blob, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.setRequestHeader("Content-Type", blob.type || "image/unknown");
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.upload.onload = () => onProgress(1);
    request.onerror = () => reject(unreachable());
    request.onload = () => {
      try {
        resolve(parsed(request.status, request.responseText));
      } catch (error) {
        reject(error);
      }
    };
    onProgress(0);
    request.send(blob);
  });
}

async function postJson(address, body) {
  const headers = { "Content-Type": "application/json" };
  return answerOf(await reach(() => fetch(address, { method: "POST", headers, body: JSON.stringify(body) })));
}

async function reach(request) {
  try {
    return await request();
  } catch {
    throw unreachable();
  }
}

async function answerOf(response) {
  return parsed(response.status, await response.text());
}

function parsed(status, text) {
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new ServerError(`The server's answer (status ${status}) isn't the one of this page: is a proxy in between?`);
  }
  if (status >= 400) throw new ServerError(sentence(answer.error ?? `the server answered ${status}`), answer.code);
  return answer;
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (text.endsWith(".") ? "" : ".");
const unreachable = () => new ServerError("The server can't be reached: is it running, and is this computer online?");
