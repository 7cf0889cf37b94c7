/** Packages of actions that the operator could install; installing is done at a shell. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { get } from "../api/client";
import type { PackageList } from "../api/types";
import { pageOf, pathWith } from "../parts/address";
import { CopyButton } from "../parts/CopyButton";
import { DataTable } from "../parts/DataTable";
import { Listed, NothingLikeThat } from "../parts/Listed";
import { Notice } from "../parts/Notice";
import { Pager } from "../parts/Pager";
import { Chip } from "../parts/State";
import { Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { useQueryString } from "../router";
import type { State } from "../states";

const PAGE_SIZE = 20;
const INSTALLED: State = { word: "Installed", look: "done", icon: "check" };
const UPDATE: State = { word: "Update", look: "running", icon: "retry" };

export function Marketplace() {
  const query = useQueryString();
  const [words, page] = [query.get("q"), pageOf(query)];
  const found = useQuery({
    queryKey: ["packages", words, page],
    queryFn: ({ signal }) =>
      get<PackageList>(
        pathWith("/marketplace/packages", { q: words, page, page_size: PAGE_SIZE }),
        signal,
      ),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  return (
    <Listed found={found} of="packages">
      {(list) => <Found list={list} words={words} />}
    </Listed>
  );
}

function Found({ list, words }: { list: PackageList; words: string | null }) {
  if (list.sources.length === 0) return <NoSource />;
  return (
    <>
      <Sources sources={list.sources} />
      {list.packages.length === 0 ? (
        words ? (
          <NothingLikeThat of="package" choices={["q", "page"]} />
        ) : (
          <Notice title="The sources list no package" />
        )
      ) : (
        <>
          <Packages packages={list.packages} />
          <Pager
            page={list.pagination.page}
            pageSize={PAGE_SIZE}
            total={list.pagination.total_count}
            words={["Before", "After"]}
          />
        </>
      )}
    </>
  );
}

function NoSource() {
  return (
    <Notice title="No source of packages is set">
      <p>
        <code>PIPELINE_MARKETPLACE_SOURCES</code> says where packages of actions are listed, and
        whose signatures count. Packages are then found here, and installed by:
      </p>
      <pre>pipeline-engine marketplace install NAME</pre>
    </Notice>
  );
}

function Sources({ sources }: { sources: PackageList["sources"] }) {
  const now = useNow(false);
  return (
    <ul className="sources" aria-label="Sources">
      {sources.map(({ name, readAt, error }) => (
        <li key={name} className={error ? "failure" : "muted"}>
          <b>{name}</b>{" "}
          {readAt ? (
            <>
              read <Time at={readAt} now={now} relative />
            </>
          ) : (
            "never read"
          )}
          {error && (
            <>
              , and not now: <code>{error}</code>
            </>
          )}
        </li>
      ))}
    </ul>
  );
}

type Package = PackageList["packages"][number];

function Packages({ packages }: { packages: Package[] }) {
  return (
    <DataTable
      label="Packages"
      rows={packages}
      keyOf={({ name, source }) => `${source} ${name}`}
      columns={[
        {
          head: "Package",
          names: true,
          width: "30%",
          cell: ({ name, version, source, summary }) => (
            <>
              <b>{name}</b> <span className="muted">{version}</span>
              <span className="sub wrapped">
                {summary} · {source}
              </span>
            </>
          ),
        },
        {
          head: "Actions",
          card: "line",
          cell: ({ actions }) => <code className="wrapped">{actions.join(", ")}</code>,
        },
        {
          head: "Rights",
          card: "label",
          width: "18%",
          cell: ({ requiredPermissions: rights }) => rights.join(", ") || "none",
        },
        {
          head: "Here",
          width: "120px",
          cell: ({ installedVersion, hasUpdate }) =>
            installedVersion === null ? (
              "–"
            ) : (
              <Chip state={hasUpdate ? UPDATE : INSTALLED} text={installedVersion} />
            ),
        },
        {
          head: "Install",
          width: "170px",
          cell: ({ name, installedVersion, hasUpdate }) =>
            (installedVersion === null || hasUpdate) && (
              <CopyButton text={`pipeline-engine marketplace install ${name}`}>
                Copy the command
              </CopyButton>
            ),
        },
      ]}
    />
  );
}
