import { CopyButton } from "./CopyButton";

/** A longer text that somebody else has written: shown as it is, and to be copied. */
export function Block({ word, text }: { word: string; text: string }) {
  return (
    <div className="block">
      <header>
        <b>{word}</b>
        <CopyButton text={text}>Copy</CopyButton>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <pre className="value" tabIndex={0}>
        {text}
      </pre>
    </div>
  );
}
