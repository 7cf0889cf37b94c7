/** Forms that change the definition at one place. */

import { type ReactNode, useMemo } from "react";
import { isObject, type Json, type Members } from "../../api/json";
import { type Path, pathOf, pointerTo } from "../../api/pointer";
import { at, put } from "../../definition/document";
import { ParamFields } from "../../forms/ParamFields";
import type { Option, Param, Values } from "../../forms/param";
import type { FieldProblem } from "../../forms/problems";
import type { Completion } from "../../forms/templates";
import { useEditor } from "../context";
import { namesAt } from "../model/names";
import type { Placed } from "../model/steps";

interface Props {
  params: readonly Param[];
  /** The object whose members are edited. */
  path: Path;
  placed: Placed | null;
  /** Whether other members of the object are shown as well, so that none is out of sight. */
  whole?: boolean;
  /** Whether nothing in it can be a template. */
  plain?: boolean;
  choicesOf?: (param: Param) => readonly Option[] | null;
}

export function Fields({ params, path, placed, whole = false, plain = false, choicesOf }: Props) {
  const { editing, draftsAt } = useEditor();
  const document = editing.document;
  const object = at(document, path);
  const values = useMemo(() => shownOf(object, params, whole), [object, params, whole]);
  const place = pointerTo(path);
  const problems = useProblems(path, params, whole);
  const completions = useCompletions(placed);
  const change = (next: Values) => {
    const now = at(editing.document, path);
    const key = `${place}/${changedKey(values, next)}`;
    editing.change(put(editing.document, path, merged(now, values, next)), key);
  };
  return (
    <ParamFields
      params={params}
      values={values}
      onChange={change}
      problems={problems}
      mode={plain ? "values" : "templates"}
      completions={completions}
      {...(choicesOf ? { choicesOf } : {})}
      {...draftsAt(place)}
    />
  );
}

function shownOf(object: Json | undefined, params: readonly Param[], whole: boolean): Values {
  if (!isObject(object)) return {};
  if (whole) return object;
  const names = params.map(({ name }) => name).filter((name) => Object.hasOwn(object, name));
  return Object.fromEntries(names.map((name) => [name, object[name]]));
}

/** The object with what was changed in the form; all else of it stays as it is. */
function merged(object: Json | undefined, before: Values, after: Values): Members {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].reduce(
    (now, name) =>
      after[name] === before[name] ? now : put(now, [name], after[name] as Json | undefined),
    isObject(object) ? object : {},
  );
}

const changedKey = (before: Values, after: Values): string =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].find(
    (name) => before[name] !== after[name],
  ) ?? "";

/** What is said of the members of an object; with *whole* also of it as such. */
function useProblems(path: Path, params: readonly Param[], whole: boolean): FieldProblem[] {
  const { problems } = useEditor();
  const place = pointerTo(path);
  return useMemo(() => {
    const names = new Set(params.map(({ name }) => name));
    return problems.flatMap(({ pointer, told, code }) => {
      if (!pointer.startsWith(`${place}/`) && !(whole && pointer === place)) return [];
      const [name = "", ...rest] = pathOf(pointer.slice(place.length));
      if (!whole && !names.has(String(name))) return [];
      const inside = rest.length > 0 ? { path: rest.join("/") } : {};
      return [{ name: String(name), message: told, code, ...inside }];
    });
  }, [problems, place, params, whole]);
}

export function useCompletions(placed: Placed | null): Completion[] {
  const { editing, palette } = useEditor();
  const document = editing.document;
  return useMemo(
    () =>
      namesAt(document, placed, (type) => palette?.byType.get(type)?.outputs ?? []).map(
        ({ text, about }) => ({ name: text, detail: about }),
      ),
    [document, placed, palette],
  );
}

/** A part of a step that need not be there. */
export function Optional({
  title,
  about,
  path,
  initial,
  children,
}: {
  title: string;
  about: string;
  path: Path;
  /** What it begins with. */
  initial: Json;
  children: ReactNode;
}) {
  const { editing } = useEditor();
  const there = (at(editing.document, path) ?? null) !== null;
  const set = (value: Json | undefined) => editing.change(put(editing.document, path, value));
  return (
    <section className="part">
      <header>
        <h3>{title}</h3>
        <button type="button" onClick={() => set(there ? undefined : initial)}>
          {there ? "Take away" : "Add"}
          <span className="unseen"> {title}</span>
        </button>
      </header>
      {there ? children : <p className="muted">{about}</p>}
    </section>
  );
}

/** Some entries of one kind: an object for one of them, or a list. */
export function Several({
  title,
  about,
  one,
  path,
  initial,
  params,
  placed,
}: {
  title: string;
  about: string;
  /** What one entry is called. */
  one: string;
  path: Path;
  initial: Members;
  params: readonly Param[];
  placed: Placed;
}) {
  const { editing } = useEditor();
  const value = at(editing.document, path);
  const entries = Array.isArray(value) ? value : isObject(value) ? [value] : [];
  const places = Array.isArray(value) ? entries.map((_, index) => [...path, index]) : [path];
  const set = (next: Json | undefined) => editing.change(put(editing.document, path, next));
  const add = () => {
    if (entries.length === 0) set(Array.isArray(value) || one !== "policy" ? [initial] : initial);
    else set([...entries, initial]);
  };
  const remove = (index: number) => {
    const rest = entries.filter((_, other) => other !== index);
    set(rest.length > 0 ? rest : undefined);
  };
  return (
    <section className="part">
      <header>
        <h3>{title}</h3>
        <button type="button" onClick={add}>
          Add <span className={entries.length > 0 ? "" : "unseen"}>a {one}</span>
        </button>
      </header>
      {entries.length === 0 && <p className="muted">{about}</p>}
      {entries.map((_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an entry is known by its place
        <div className="editor-entry" key={index}>
          <Fields params={params} path={places[index] ?? path} placed={placed} whole />
          <button type="button" className="plain" onClick={() => remove(index)}>
            Take this {one} away
          </button>
        </div>
      ))}
    </section>
  );
}
