/** The messages of a subscription, newest first, with their tries; each can be sent again. */

import { useQuery } from "@tanstack/react-query";
import { get, post } from "../api/client";
import { parse, print } from "../api/json";
import type { ListedMessage, Message, MessageList, Subscription } from "../api/types";
import { ActButton } from "../parts/ActButton";
import { pageOf, pathWith, wordOf } from "../parts/address";
import { CodeBlock } from "../parts/CodeBlock";
import { type Column, DataTable } from "../parts/DataTable";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { ExecutionLink } from "../parts/ExecutionLink";
import { Facts, Section } from "../parts/Facts";
import { Listed, NothingLikeThat } from "../parts/Listed";
import { Failure } from "../parts/Notice";
import { Pager } from "../parts/Pager";
import { changesOf } from "../parts/queries";
import { useMay } from "../parts/rights";
import { Chip } from "../parts/State";
import { Tabs } from "../parts/Tabs";
import { Dated, Time } from "../parts/Time";
import { usePolled } from "../parts/usePolled";
import { go, useQueryString, withQuery } from "../router";
import { clock, duration, exact, moment } from "../time";
import { MESSAGE_STATUSES, stateOfMessage } from "./states";

const PAGE_SIZE = 25;
const LIVE = 3_000;
/** While a message waits one wants to see what comes of it. */
const SOON = 1_000;
const TABS = [
  { value: null, word: "All" },
  ...MESSAGE_STATUSES.map((value) => ({ value, word: stateOfMessage(value).word })),
];

export function Messages({ subscription, now }: { subscription: Subscription; now: number }) {
  const query = useQueryString();
  const status = wordOf(query, "status", MESSAGE_STATUSES);
  const page = pageOf(query);
  const chosen = query.get("message");
  const request = { status, page, page_size: PAGE_SIZE };
  const path = `/subscriptions/${subscription.id}/messages`;
  const found = usePolled(
    ["subscription", subscription.id, "messages", request],
    (signal) => get<MessageList>(pathWith(path, request), signal),
    LIVE,
  );
  return (
    <Section title="Messages">
      <Tabs label="Status" name="status" tabs={TABS} chosen={status} reset={["page", "message"]} />
      <Listed found={found} of="messages">
        {({ messages, pagination }) =>
          messages.length > 0 ? (
            <>
              <Table messages={messages} path={path} now={now} />
              <Pager page={page} pageSize={PAGE_SIZE} total={pagination.total_count} />
            </>
          ) : status !== null || page > 1 ? (
            <NothingLikeThat of="message" choices={["status", "page"]} />
          ) : (
            <p className="panel muted">
              No messages yet. Each event that it is told of will have a line here.
            </p>
          )
        }
      </Listed>
      {chosen && (
        <MessageDialog
          path={`${path}/${encodeURIComponent(chosen)}`}
          now={now}
          close={() => go(withQuery({ message: null }))}
        />
      )}
    </Section>
  );
}

function Table({ messages, path, now }: { messages: ListedMessage[]; path: string; now: number }) {
  const columns: Column<ListedMessage>[] = [
    {
      head: "Message",
      names: true,
      width: "170px",
      cell: ({ event_type, created_at }) => (
        <>
          {event_type}
          <span className="sub">
            <Time at={created_at} now={now} relative />
          </span>
        </>
      ),
    },
    {
      head: "Status",
      width: "124px",
      cell: ({ status }) => <Chip state={stateOfMessage(status)} />,
    },
    { head: "Tries", card: "line", cell: ({ tries }) => <LastTry tries={tries} /> },
    {
      head: "Next try",
      width: "110px",
      card: "label",
      cell: ({ next_try_at }) => (next_try_at ? <Time at={next_try_at} now={now} relative /> : "–"),
    },
    { head: "Because of", width: "100px", card: "label", cell: ({ origin }) => origin },
    {
      head: "Execution",
      width: "120px",
      cell: ({ execution_id }) => <ExecutionLink id={execution_id} short />,
    },
    {
      head: "Control",
      width: "124px",
      card: "line",
      cell: (one) => <Again message={one} path={`${path}/${encodeURIComponent(one.id)}`} />,
    },
  ];
  return (
    <DataTable
      label="Messages"
      columns={columns}
      rows={messages}
      keyOf={({ id }) => id}
      hrefOf={({ id }) => withQuery({ message: id })}
    />
  );
}

type Tries = ListedMessage["tries"];

function LastTry({ tries }: { tries: Tries }) {
  const last = tries.at(-1);
  if (!last) return <span className="muted">not tried yet</span>;
  return (
    <>
      {tries.length === 1 ? "1 try" : `${tries.length} tries`}
      <span className={last.error ? "sub failure" : "sub"}>{wordsOf(last)}</span>
    </>
  );
}

const wordsOf = ({ status_code, error, seconds }: Tries[number]): string =>
  `${error ?? (status_code ? `HTTP ${status_code}` : "taken")} after ${duration(Number(seconds) * 1_000)}`;

function Again({ message, path }: { message: ListedMessage; path: string }) {
  const may = useMay();
  if (message.status === "waiting" || !may("subscriptions:write", "executions:read")) return null;
  return (
    <ActButton
      word="Send again"
      label={`Send ${message.event_type} again`}
      act={() => post(`${path}/replay`, undefined)}
      changes={[...changesOf("subscription"), ["message"]]}
      said={() => "It is tried anew, under its id."}
    />
  );
}

function MessageDialog({ path, now, close }: { path: string; now: number; close: () => void }) {
  const found = useQuery({
    queryKey: ["message", path],
    queryFn: ({ signal }) => get<Message>(path, signal),
    refetchInterval: ({ state }) => (state.data?.status === "waiting" ? SOON : false),
  });
  return (
    <Dialog wide title="Message" close={close} submit={close}>
      {found.data ? (
        <MessageFacts message={found.data} now={now} />
      ) : found.error ? (
        <Failure error={found.error} />
      ) : (
        <p>Loading…</p>
      )}
      <DialogButtons>
        {found.data && <Again message={found.data} path={path} />}
        <button type="submit">Close</button>
      </DialogButtons>
    </Dialog>
  );
}

function MessageFacts({ message, now }: { message: Message; now: number }) {
  const { id, status, note, origin, created_at, settled_at, next_try_at, execution_id } = message;
  const at = (value: string | null) => value && <Dated at={value} now={now} />;
  return (
    <>
      <Facts
        facts={[
          ["Status", <Chip key="status" state={stateOfMessage(status)} />],
          ["Says", <code key="type">{message.event_type}</code>],
          ["Because of", origin],
          ["Made", at(created_at)],
          ["Settled", at(settled_at)],
          ["Next try", at(next_try_at)],
          ["Note", note],
          ["Execution", execution_id && <ExecutionLink key="execution" id={execution_id} />],
          [
            "Id",
            <span key="id" className="id">
              {id}
            </span>,
          ],
        ]}
      />
      <ol className="message-tries" aria-label="Tries" aria-live="polite">
        {message.tries.length === 0 && <li className="muted">It was not tried yet.</li>}
        {message.tries.map((one) => (
          <li key={one.at}>
            <time dateTime={one.at} title={exact(moment(one.at))}>
              {clock(moment(one.at))}
            </time>
            <span className={one.error ? "failure" : undefined}>{wordsOf(one)}</span>
          </li>
        ))}
      </ol>
      <CodeBlock word="Body" text={readable(message.body)} />
    </>
  );
}

/** JSON with its lines; what is none stays as it was written. */
function readable(body: string): string {
  try {
    return print(parse(body));
  } catch {
    return body;
  }
}
