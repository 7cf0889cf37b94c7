/** What the installation is made of, whether it is set up well, what it keeps, and what it allows. */

import type { ReactNode } from "react";
import { Lights } from "../lights/Lights";
import { useReady } from "../lights/useLights";
import { wordOf } from "../parts/address";
import { DataTable } from "../parts/DataTable";
import { Section } from "../parts/Facts";
import { Listed } from "../parts/Listed";
import { PageHead } from "../parts/PageHead";
import { useMay, useSession } from "../parts/rights";
import { Chip } from "../parts/State";
import { Tabs } from "../parts/Tabs";
import { useQueryString } from "../router";
import { Doctor } from "./Doctor";
import { Parts } from "./Parts";
import { Quotas } from "./Quotas";
import { Retention } from "./Retention";
import { Settings } from "./Settings";
import { titleOf } from "./words";
import "./system.css";

const ADMIN = "admin";
const TABS = ["doctor", "retention", "settings", "quotas"] as const;
const SHOWN = [
  { value: null, word: "Parts" },
  ...TABS.map((value) => ({ value, word: titleOf(value) })),
];

export default function System() {
  const tab = wordOf(useQueryString(), "tab", TABS);
  return (
    <div className="list-page system-page">
      <PageHead title="System" />
      <Lights />
      <div className="choices">
        <Tabs label="Part" name="tab" tabs={SHOWN} chosen={tab} reset={["q", "set"]} />
      </div>
      {tab === "quotas" ? (
        <Quotas />
      ) : (
        <ForAdministrators>
          {tab === null && <Parts />}
          {tab === "doctor" && <Doctor />}
          {tab === "retention" && <Retention />}
          {tab === "settings" && <Settings />}
        </ForAdministrators>
      )}
    </div>
  );
}

/** Whoever may not see it is told which right that takes, and what everybody may know. */
function ForAdministrators({ children }: { children: ReactNode }) {
  const may = useMay();
  const isKnown = useSession() !== undefined;
  if (!isKnown) return <p className="loading">Loading…</p>;
  if (may(ADMIN)) return children;
  return (
    <>
      <p className="panel">
        <span>
          To see this takes the right <code>{ADMIN}</code>, which your token does not have. What
          everybody may know is below.
        </span>
      </p>
      <WhatIsReady />
    </>
  );
}

function WhatIsReady() {
  const found = useReady();
  return (
    <Section title="Ready">
      <Listed found={found} of="what is ready">
        {({ parts }) => (
          <DataTable
            label="Parts"
            rows={parts}
            keyOf={({ name }) => name}
            columns={[
              { head: "Part", names: true, width: "200px", cell: ({ name }) => titleOf(name) },
              {
                head: "State",
                width: "140px",
                cell: ({ is_well }) => <Chip state={is_well ? WELL : TROUBLE} />,
              },
              { head: "Says", card: "line", cell: ({ note }) => note },
            ]}
          />
        )}
      </Listed>
    </Section>
  );
}

const WELL = { word: "Well", look: "done", icon: "check" } as const;
const TROUBLE = { word: "Not well", look: "failed", icon: "cross" } as const;
