/** What stands in a step that the engine reads; all else is kept, and shown. */
export const KNOWN = new Set(
  (
    "id name action params depends_on outputs steps while condition on_failure timeout_seconds retry " +
    "catch trigger_rule cancel_rest for_each concurrency compensate tags idempotent queue weight " +
    "notify when"
  ).split(" "),
);
