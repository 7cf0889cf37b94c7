import { useState } from "react";
import { pipelineAt } from "../addresses";
import { get, post } from "../api/client";
import type { Pipeline } from "../api/types";
import { useAct } from "../parts/act";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { FormFailure } from "../parts/FormFailure";
import { go } from "../router";

/** A pipeline of one's own that says the same under another name. */
export function Duplicate({
  pipeline,
  close,
}: {
  pipeline: { id: string; name: string };
  close: () => void;
}) {
  const [name, setName] = useState(`${pipeline.name}-copy`);
  const duplicate = useAct({
    act: async () => {
      const { dag } = await get<Pipeline>(`/pipelines/${pipeline.id}`);
      return post<Pipeline>("/pipelines", { dag: { ...dag, name } });
    },
    changes: [["pipelines"]],
    said: (made) => `${made.name} is stored.`,
    after: (made) => {
      close();
      go(pipelineAt(made.id));
    },
  });
  return (
    <Dialog
      title={`Duplicate ${pipeline.name}`}
      close={close}
      submit={() => name.trim() && duplicate.once(undefined)}
    >
      <label>
        Name of the copy
        <input value={name} onChange={({ target }) => setName(target.value)} required />
      </label>
      <p>Its steps and parameters are copied; schedules, webhooks and event triggers are not.</p>
      <FormFailure error={duplicate.error} />
      <DialogButtons>
        <button type="button" onClick={close}>
          Leave it
        </button>
        <button type="submit" className="main" disabled={duplicate.isPending || !name.trim()}>
          Duplicate
        </button>
      </DialogButtons>
    </Dialog>
  );
}
