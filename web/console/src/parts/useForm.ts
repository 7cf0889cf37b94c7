import { useState } from "react";
import { faultAt } from "./problems";

/** What the parts of a form share. */
export interface FormPart<Form> {
  form: Form;
  set: (change: Partial<Form>) => void;
  /** Why the form was refused; each field looks for its own place in it. */
  error: Error | null;
}

/** A form as it was at first, as it is now, and how fields change it. */
export function useForm<Form extends object>(first: () => Form) {
  const [begin] = useState(first);
  const [form, setForm] = useState(begin);
  const set = (change: Partial<Form>) => setForm((known) => ({ ...known, ...change }));
  return { begin, form, set };
}

/** A field for a text of a form, whose place in the body is *pointer*. */
export function textProps<Form>(
  { form, set, error }: FormPart<Form>,
  name: keyof Form & string,
  pointer: string,
) {
  return {
    value: String(form[name]),
    change: (value: string) => set({ [name]: value } as Partial<Form>),
    problem: faultAt(error, pointer),
  };
}
