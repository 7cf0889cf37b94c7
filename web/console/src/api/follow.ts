/** Follows a stream until it ends: comes back where it was, and says when it is away. */

import { BASE, sessionEnded } from "./client";
import { type Frame, Parser } from "./sse";

/** Without a wish of the server: twice as long after each failure, up to this. */
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 15_000;
/** The server sends a sign of life every 15 s; a line that is silent for three of them is dead. */
const SILENCE = 45_000;

export interface Listener {
  frame(frame: Frame): void;
  connected(): void;
  /** The connection is lost, since now; it will be made again. */
  lost(): void;
  /** Nothing follows. */
  over(): void;
}

/** Begins behind *lastId*; returns what stops it, which tells the id that it has come to. */
export function follow(path: string, lastId: string, listener: Listener): () => string {
  const stop = new AbortController();
  const parser = new Parser();
  parser.lastId = lastId;
  void keepOn(path, parser, listener, stop.signal);
  return () => {
    stop.abort();
    return parser.lastId;
  };
}

async function keepOn(path: string, parser: Parser, listener: Listener, stop: AbortSignal) {
  let wait = FIRST_WAIT;
  while (!stop.aborted) {
    const before = parser.lastId;
    const ended = await once(path, parser, listener, stop);
    if (stop.aborted) return;
    if (ended) {
      listener.over();
      return;
    }
    listener.lost();
    if (parser.lastId !== before) wait = FIRST_WAIT;
    await pause(parser.retryMilliseconds ?? wait, stop);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
}

/** One connection; true if the stream has said all that there is. */
async function once(path: string, parser: Parser, listener: Listener, stop: AbortSignal) {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), SILENCE);
  try {
    const answer = await fetch(BASE + path, {
      headers: { Accept: "text/event-stream", "Last-Event-ID": parser.lastId },
      signal: AbortSignal.any([stop, silent.signal]),
    });
    if (answer.status === 204) return true;
    if (answer.status === 401) sessionEnded();
    if (!answer.ok || answer.body === null) return answer.status === 404;
    listener.connected();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return false;
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE);
      for (const frame of parser.feed(value)) {
        listener.frame(frame);
        if (frame.event === "end") return true;
      }
    }
  } catch {
    return false; // cut off, or nobody there: the same as an end without `end`
  } finally {
    clearTimeout(timer);
  }
}

function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    stop.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
