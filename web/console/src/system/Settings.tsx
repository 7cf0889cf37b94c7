/** The settings of the process that answers; of secrets only that they are set. */

import { useSystem } from "../lights/useLights";
import { wordOf } from "../parts/address";
import { DataTable } from "../parts/DataTable";
import { Listed, NothingLikeThat } from "../parts/Listed";
import { Search } from "../parts/Search";
import { Tabs } from "../parts/Tabs";
import { useQueryString } from "../router";
import { type Setting, sought, writtenValue } from "./words";

const WHICH = [
  { value: null, word: "All" },
  { value: "changed", word: "Set by somebody" },
];

export function Settings() {
  const query = useQueryString();
  const changed = wordOf(query, "set", ["changed"]);
  const found = useSystem();
  return (
    <>
      <div className="choices">
        <Tabs label="Which settings" name="set" tabs={WHICH} chosen={changed} />
        <Search label="Search settings" />
      </div>
      <Listed found={found} of="settings">
        {({ settings }) => (
          <Found settings={sought(settings, query.get("q") ?? "", changed !== null)} />
        )}
      </Listed>
    </>
  );
}

function Found({ settings }: { settings: Setting[] }) {
  if (settings.length === 0) return <NothingLikeThat of="setting" choices={["q", "set"]} />;
  return (
    <DataTable
      label="Settings"
      rows={settings}
      keyOf={({ name }) => name}
      columns={[
        {
          head: "Setting",
          names: true,
          width: "40%",
          cell: ({ name, description }) => (
            <>
              <code className="setting-name">{name}</code>
              {description && <span className="setting-words">{description}</span>}
            </>
          ),
        },
        {
          head: "Value",
          card: "line",
          cell: (setting) => <code className={kindOf(setting)}>{writtenValue(setting)}</code>,
        },
        {
          head: "From",
          width: "150px",
          cell: ({ is_default }) => (
            <span className={is_default ? "muted" : undefined}>
              {is_default ? "the default" : "the environment"}
            </span>
          ),
        },
      ]}
    />
  );
}

const kindOf = ({ value }: Setting) =>
  value === null || value === "masked" ? "setting-value muted" : "setting-value";
