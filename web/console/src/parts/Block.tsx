import { CopyButton } from "./CopyButton";
import { Written } from "./Written";

/** A longer text that somebody else has written: shown as it is, and to be copied. */
export function Block({ word, text }: { word: string; text: string }) {
  return (
    <div className="block">
      <header>
        <b>{word}</b>
        <CopyButton text={text}>Copy</CopyButton>
      </header>
      <Written>{text}</Written>
    </div>
  );
}
