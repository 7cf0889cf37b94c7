/** What is to happen once, however often it is pressed, and however often the network fails. */

import { post } from "./client";
import { write } from "./json";

const BYTES = 16;

/** What is sent again unchanged is the same request, with the same key; what was changed is another. */
export class Once {
  private sent = "";
  private key = "";

  post<Answer>(path: string, body: unknown): Promise<Answer> {
    const sent = `${path} ${write(body)}`;
    if (sent !== this.sent) [this.sent, this.key] = [sent, newKey()];
    return post<Answer>(path, body, this.key);
  }
}

/** `crypto.randomUUID` is there on secure origins only. */
const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(BYTES))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
