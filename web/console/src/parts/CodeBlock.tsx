import { CopyButton } from "./CopyButton";
import { Preformatted } from "./Preformatted";
import "./facts.css";

/** A longer text that somebody else has written: shown as it is, and to be copied. */
export function CodeBlock({ word, text }: { word: string; text: string }) {
  return (
    <div className="code-block">
      <header>
        <b>{word}</b>
        <CopyButton text={text}>Copy</CopyButton>
      </header>
      <Preformatted>{text}</Preformatted>
    </div>
  );
}
