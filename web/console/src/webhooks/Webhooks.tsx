/** What starts from outside: webhooks, event triggers, and deliveries that nobody has taken. */

import { wordOf } from "../parts/address";
import { PageHead } from "../parts/PageHead";
import { Tabs } from "../parts/Tabs";
import { useQueryString } from "../router";
import { Deliveries } from "../triggers/Deliveries";
import { Triggers } from "../triggers/Triggers";
import { List } from "./List";
import "./webhooks.css";

const VIEWS = ["triggers", "deliveries"] as const;
const TABS = [
  { value: null, word: "Webhooks" },
  { value: "triggers", word: "Event triggers" },
  { value: "deliveries", word: "Deliveries" },
];
/** Choices of one of them mean nothing to the others. */
const CHOICES = ["page", "pipeline", "enabled", "disposition", "delivery", "type"];

export default function Webhooks() {
  const view = wordOf(useQueryString(), "view", VIEWS);
  return (
    <div className="list-page">
      <PageHead title="Webhooks & triggers">
        <Tabs label="View" name="view" tabs={TABS} chosen={view} reset={CHOICES} />
      </PageHead>
      {view === null && <List />}
      {view === "triggers" && <Triggers />}
      {view === "deliveries" && <Deliveries />}
    </div>
  );
}
