import type { ReactNode } from "react";
import { useDrafts } from "../forms/drafts";
import type { Values } from "../forms/param";
import { Dialog } from "./Dialog";
import { Row, TextField } from "./Field";
import { PipelineField } from "./PipelineChoice";
import { PipelineParams } from "./PipelineParams";
import { faultAt } from "./problems";
import { SaveButtons } from "./SaveButtons";
import type { Body, Save } from "./save";
import type { FormPart } from "./useForm";

interface StarterFields {
  name: string;
  pipeline_id: string;
  params: Values;
}

interface Props<Form extends StarterFields> extends Omit<FormPart<Form>, "error"> {
  title: string;
  /** On the button that saves it. */
  word: string;
  saving: Save;
  body: Body;
  close: () => void;
  /** Pointers whose faults the fields show. */
  shown: readonly string[];
  /** Why it cannot be sent yet. */
  blocked?: string | null;
  /** Which parameters are fields; what starts the pipeline gives the others. */
  given?: (name: string) => boolean;
  /** What tells this kind from others. */
  children: ReactNode;
  /** What few people need. */
  more: ReactNode;
}

/** The form of what starts a pipeline: its name, which one, what each kind has of its own, params. */
export function StarterForm<Form extends StarterFields>(props: Props<Form>) {
  const { title, word, form, saving, body, close, shown, children, more } = props;
  // What is set are fields that every such form has.
  const set = props.set as (change: Partial<StarterFields>) => void;
  const [drafts, setDraft] = useDrafts();
  const hasDrafts = Object.keys(drafts).length > 0;
  const blocked = hasDrafts ? "A parameter cannot be read yet." : (props.blocked ?? null);
  return (
    <Dialog wide title={title} close={close} submit={() => blocked === null && saving.save(body)}>
      <Row>
        <TextField
          label="Name"
          value={form.name}
          change={(name) => set({ name })}
          problem={faultAt(saving.error, "/name")}
        />
        <PipelineField
          chosen={form.pipeline_id}
          choose={(pipeline_id) => set({ pipeline_id })}
          problem={faultAt(saving.error, "/pipeline_id")}
        />
      </Row>
      {children}
      <PipelineParams
        pipeline={form.pipeline_id}
        values={form.params}
        change={(params) => set({ params })}
        error={saving.error}
        drafts={drafts}
        setDraft={setDraft}
        {...(props.given ? { given: props.given } : {})}
      />
      {more}
      <SaveButtons
        word={word}
        save={saving}
        saveOver={() => saving.saveOver(body)}
        close={close}
        shown={shown}
        blocked={blocked}
      />
    </Dialog>
  );
}
