/** Starting an execution: once, however often it is pressed, and however often the network fails. */

import { post } from "../api/client";
import { write } from "../api/json";
import type { Values } from "../forms/param";

export interface Started {
  execution_id: string;
}

const BYTES = 16;

/** What is sent again unchanged is the same request; what was changed is another one. */
export class Starter {
  private body = "";
  private key = "";

  constructor(private readonly pipelineId: string) {}

  start(params: Values): Promise<Started> {
    const body = { pipeline_id: this.pipelineId, params };
    const written = write(body);
    if (written !== this.body) [this.body, this.key] = [written, newKey()];
    return post<Started>("/executions", body, this.key);
  }
}

/** `crypto.randomUUID` is there on secure origins only. */
const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(BYTES))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
