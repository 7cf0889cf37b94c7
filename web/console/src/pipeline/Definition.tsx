import { print } from "../api/json";
import type { Pipeline } from "../api/types";
import { CopyButton } from "../parts/CopyButton";
import { Preformatted } from "../parts/Preformatted";
import { quoted } from "../parts/shell";
import { exportAs } from "../pipelines/export";

/** The document as it is stored; defaults of secrets are hidden. */
export function Definition({ pipeline }: { pipeline: Pipeline }) {
  const text = print(pipeline.dag);
  return (
    <section className="pipeline-definition" aria-label="Definition">
      <div className="definition-acts">
        <CopyButton text={text}>Copy</CopyButton>
        <button type="button" onClick={() => void exportAs(pipeline, "json")}>
          Export as JSON
        </button>
        <button type="button" onClick={() => void exportAs(pipeline, "yaml")}>
          Export as YAML
        </button>
        <span className="muted">
          or type <code>pipeline-engine pipelines show {quoted(pipeline.name)} --json</code>
        </span>
      </div>
      <Preformatted>{text}</Preformatted>
    </section>
  );
}
