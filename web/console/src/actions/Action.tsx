/** One action: what it does, what it is given and leaves, where it is from, and how it is used. */

import { useQuery } from "@tanstack/react-query";
import { ACTIONS, actionAt } from "../addresses";
import { get } from "../api/client";
import type { OneAction } from "../api/types";
import { webAddress } from "../parts/address";
import { CopyButton } from "../parts/CopyButton";
import { DetailHead } from "../parts/DetailHead";
import { Facts, Section } from "../parts/Facts";
import { Failure } from "../parts/Notice";
import { Preformatted } from "../parts/Preformatted";
import { Skeleton } from "../parts/Skeleton";
import { Chip } from "../parts/State";
import { Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { Link } from "../router";
import { courseOf, marksOf, originOf, patienceOf, stateOf, stepOf, triesOf } from "./catalogue";
import { Outputs, Params } from "./Params";
import { Versions } from "./Versions";
import "./actions.css";

export default function Action({ type }: { type: string }) {
  const found = useQuery({
    queryKey: ["actions", type],
    queryFn: ({ signal }) => get<OneAction>(`/actions/${encodeURIComponent(type)}`, signal),
    staleTime: 60_000,
  });
  return (
    <div className="list-page action-page">
      {found.data ? (
        <ActionFacts action={found.data} />
      ) : found.error ? (
        <Failure error={found.error} retry={() => void found.refetch()} />
      ) : (
        <Skeleton of="the action" />
      )}
    </div>
  );
}

function ActionFacts({ action }: { action: OneAction }) {
  const docs = webAddress(action.docsUrl);
  return (
    <>
      <DetailHead
        list="Actions"
        href={ACTIONS}
        id={action.type}
        name={action.name}
        state={stateOf(action)}
      >
        {docs && (
          <a className="button" href={docs} rel="noreferrer">
            Documentation
          </a>
        )}
        <CopyButton text={action.type}>Copy its type</CopyButton>
      </DetailHead>
      <p className="action-says">{action.description}</p>
      <Deprecated action={action} />
      <About action={action} />
      <Section title="Params">
        <Params params={action.params} />
      </Section>
      <Section title="Outputs">
        <Outputs outputs={action.outputs} />
      </Section>
      <Examples action={action} />
      {action.stored && <Versions type={action.type} definition={action.definition} />}
    </>
  );
}

function Deprecated({ action }: { action: OneAction }) {
  const { deprecated, deprecationMessage, replacedBy } = action;
  if (!deprecated) return null;
  return (
    <p className="deprecated-action">
      <b>It is deprecated.</b> {deprecationMessage}
      {replacedBy && (
        <>
          {" "}
          Use <Link href={actionAt(replacedBy)}>{replacedBy}</Link> in its place.
        </>
      )}
    </p>
  );
}

function About({ action }: { action: OneAction }) {
  const now = useNow(false);
  const { version, versions, aliases, requiredServices, requiredPermissions, stored } = action;
  const others = versions.filter((one) => one !== version);
  return (
    <div className="panel">
      <Facts
        facts={[
          ["Type", <code key="type">{action.type}</code>],
          ["Version", version],
          ["Other versions", others.join(", ")],
          ["From", originOf(action)],
          ["Category", action.category],
          ["How it runs", courseOf(action)],
          ["Time limit", patienceOf(action)],
          ["Tried again", triesOf(action)],
          ["Safe to repeat", action.idempotent ? "yes" : "no: it is not repeated by itself"],
          ["Trust", action.isolated ? "runs in a process of its own" : "runs in the worker"],
          ["Needs keys of", action.needsKeysAt.join(", ")],
          ["Talks to", requiredServices.join(", ")],
          ["Asks for the rights", requiredPermissions.join(", ")],
          ["Also called", aliases.join(", ")],
          [
            "Changed",
            stored && (
              <>
                <Time at={stored.updatedAt} now={now} relative /> by {stored.updatedBy}
              </>
            ),
          ],
        ]}
      />
      {marksOf(action).length > 1 && (
        <div className="action-marks">
          {marksOf(action).map((state) => (
            <Chip key={state.word} state={state} />
          ))}
        </div>
      )}
    </div>
  );
}

function Examples({ action }: { action: OneAction }) {
  if (action.examples.length === 0) return null;
  return (
    <Section title="Examples">
      <div className="panels">
        {action.examples.map(({ title, params, description }) => {
          const step = stepOf(action, params);
          return (
            <figure key={title} className="panel action-example">
              <figcaption>
                <b>{title}</b>
                <CopyButton text={step}>Copy the step</CopyButton>
              </figcaption>
              {description && <p className="muted">{description}</p>}
              <Preformatted>{step}</Preformatted>
            </figure>
          );
        })}
      </div>
    </Section>
  );
}
