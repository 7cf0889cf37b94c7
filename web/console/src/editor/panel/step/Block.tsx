/** What a block is made of. */

import { Link, withQuery } from "../../../router";
import { useEditor } from "../../context";
import { actionOf, nameOf, type Placed, stepsOf } from "../../model/steps";
import { Fields } from "../Fields";
import { NAME } from "../fields/step";
import { StepId } from "../StepId";
import { Unknown } from "../Unknown";
import { KNOWN } from "./known";

export function Block({ placed }: { placed: Placed }) {
  const { editing } = useEditor();
  const inner = stepsOf(editing.document, [...placed.path, "steps"]);
  return (
    <>
      <div className="two">
        <StepId placed={placed} />
        <Fields params={NAME} path={placed.path} placed={placed} plain />
      </div>
      <section className="part">
        <header>
          <h3>Steps in it</h3>
          <Link className="button" href={withQuery({ in: placed.id, step: null })}>
            Open the block
          </Link>
        </header>
        <ul className="plain-list">
          {inner.map(({ key, id, step }) => (
            <li key={key}>
              <Link href={withQuery({ in: placed.id, step: id })}>{nameOf(step)}</Link>{" "}
              <code className="muted">{actionOf(step).type}</code>
            </li>
          ))}
        </ul>
      </section>
      <Unknown object={placed.step} known={KNOWN} path={placed.path} />
    </>
  );
}
