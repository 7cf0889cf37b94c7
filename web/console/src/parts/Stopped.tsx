/** Why the engine itself has stopped something: its code, and in words. */
export function Stopped({
  reason,
  did,
  words,
  elsewhere,
}: {
  /** Null as long as it has not. */
  reason: string | null;
  did: "disabled" | "paused";
  words: Readonly<Record<string, string>>;
  /** Where one finds out about others. */
  elsewhere: string;
}) {
  if (reason === null) return null;
  return (
    <p className="failure" role="status">
      <code>{reason}</code> The engine has {did} it: {words[reason] ?? elsewhere}.
    </p>
  );
}
