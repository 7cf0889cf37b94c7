/** Server-sent events, read with fetch: EventSource hides whether it is connected, and a 401. */

export interface Frame {
  event: string;
  data: string;
}

/** Cuts a text that comes in pieces into frames; knows the last id and the wish for `retry`. */
export class Parser {
  lastId = "";
  retryMilliseconds: number | null = null;
  private rest = "";

  feed(piece: string): Frame[] {
    const blocks = (this.rest + piece).replaceAll("\r\n", "\n").split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => this.frame(block));
  }

  private frame(block: string): Frame[] {
    let event = "message";
    const data: string[] = [];
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      const [name, value] =
        colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
      if (name === "event") event = value;
      else if (name === "data") data.push(value);
      else if (name === "id") this.lastId = value;
      else if (name === "retry" && /^\d+$/.test(value)) this.retryMilliseconds = Number(value);
    }
    return data.length > 0 ? [{ event, data: data.join("\n") }] : [];
  }
}
