/** What steps can do, by category; what is broken and why; and what could be installed. */

import { actionAt } from "../addresses";
import type { ActionCatalogue, ListedAction } from "../api/types";
import { type Category, foundActions } from "../parts/actionSearch";
import { wordOf } from "../parts/address";
import { Section } from "../parts/Facts";
import { Listed, NothingLikeThat } from "../parts/Listed";
import { PageHead } from "../parts/PageHead";
import { Search } from "../parts/Search";
import { Chip } from "../parts/State";
import { Tabs } from "../parts/Tabs";
import { useActions } from "../parts/useActions";
import { go, Link, useQueryString, withQuery } from "../router";
import { marksOf, originOf } from "./catalogue";
import { Marketplace } from "./Marketplace";
import "./actions.css";

const TABS = [
  { value: null, word: "Installed and stored" },
  { value: "marketplace", word: "Marketplace" },
];

export default function Actions() {
  const query = useQueryString();
  const catalogue = useActions();
  const inMarket = wordOf(query, "tab", ["marketplace"]) !== null;
  return (
    <div className="list-page">
      <PageHead title="Actions" count={inMarket ? null : catalogue.data?.total} />
      <div className="choices">
        <Tabs
          label="Where from"
          name="tab"
          tabs={TABS}
          chosen={inMarket ? "marketplace" : null}
          reset={["page", "category"]}
        />
        <div className="action-choices">
          {!inMarket && <CategoryChoice categories={catalogue.data?.categories ?? []} />}
          <Search label={inMarket ? "Search packages" : "Search actions"} />
        </div>
      </div>
      {inMarket ? (
        <Marketplace />
      ) : (
        <Listed found={catalogue} of="actions">
          {(data) => <Catalogue catalogue={data} />}
        </Listed>
      )}
    </div>
  );
}

function CategoryChoice({ categories }: { categories: Category[] }) {
  const chosen = useQueryString().get("category");
  return (
    <label className="select">
      <span>Category</span>
      <select
        value={chosen ?? ""}
        onChange={(event) => go(withQuery({ category: event.target.value || null }))}
      >
        <option value="">all</option>
        {categories.map(({ name, actions }) => (
          <option key={name} value={name}>
            {name} ({actions.length})
          </option>
        ))}
      </select>
    </label>
  );
}

function Catalogue({ catalogue }: { catalogue: ActionCatalogue }) {
  const query = useQueryString();
  const words = query.get("q") ?? "";
  const category = query.get("category");
  const shown = foundActions(catalogue.categories, words, category);
  const isWhole = !words && category === null;
  return (
    <div className="catalogue">
      {isWhole && <Broken broken={catalogue.broken} />}
      {shown.map(({ name, actions }) => (
        <Section key={name} title={name} tools={<span className="muted">{actions.length}</span>}>
          <ul className="action-cards">
            {actions.map((action) => (
              <Card key={action.type} action={action} />
            ))}
          </ul>
        </Section>
      ))}
      {shown.length === 0 && <NothingLikeThat of="action" choices={["q", "category"]} />}
    </div>
  );
}

function Card({ action }: { action: ListedAction }) {
  const { type, version, name, description } = action;
  return (
    <li className="action-card">
      <Link className="row-link" href={actionAt(type)}>
        {name}
      </Link>
      <span className="id">
        {type} <span className="muted">{version}</span>
      </span>
      <p>{description}</p>
      <span className="action-marks">
        {marksOf(action).map((state) => (
          <Chip key={state.word} state={state} />
        ))}
        {action.package !== "pipeline-engine" && <span className="muted">{originOf(action)}</span>}
      </span>
    </li>
  );
}

function Broken({ broken }: { broken: ActionCatalogue["broken"] }) {
  if (broken.length === 0) return null;
  return (
    <section className="broken-actions" aria-label="Broken actions">
      <h2>
        {broken.length === 1 ? "One action is" : `${broken.length} actions are`} installed and
        cannot be used
      </h2>
      <ul>
        {broken.map(({ name, distribution, reason }) => (
          <li key={name + distribution}>
            <b className="id">{name}</b> of {distribution}: {reason}
          </li>
        ))}
      </ul>
      <p>
        <code>pipeline-engine actions check</code> says what is wrong with them, and where.
      </p>
    </section>
  );
}
