/** What can be done with a pipeline, wherever it is shown. */

import { useState } from "react";
import { editorAt } from "../addresses";
import { change } from "../api/client";
import { useAct } from "../parts/act";
import { Confirm } from "../parts/Confirm";
import { type Choice, Menu } from "../parts/Menu";
import { useMay } from "../parts/rights";
import { Delete } from "./Delete";
import { Duplicate } from "./Duplicate";
import { exportAs } from "./export";

export interface Named {
  id: string;
  name: string;
  status: string;
  system_owned: boolean;
}

type DialogName = "duplicate" | "archive" | "delete";

export function Acts({ pipeline, gone }: { pipeline: Named; gone?: () => void }) {
  const [dialog, setDialog] = useState<DialogName | null>(null);
  const may = useMay();
  const close = () => setDialog(null);
  const restore = useAct({
    act: () => change("POST", `/pipelines/${pipeline.id}/restore`),
    changes: [["pipelines"], ["pipeline", pipeline.id]],
    said: () => `${pipeline.name} can be started again. What used to start it stays disabled.`,
    aloud: true,
  });
  const mayWrite = may("pipelines:write");
  const isIts = mayWrite && (!pipeline.system_owned || may("admin"));
  const archived = pipeline.status === "ARCHIVED";
  const choices: (Choice | false)[] = [
    isIts && !archived && { word: "Edit", href: editorAt(pipeline.id) },
    mayWrite && { word: "Duplicate…", act: () => setDialog("duplicate") },
    { word: "Export as JSON", act: () => void exportAs(pipeline, "json") },
    { word: "Export as YAML", act: () => void exportAs(pipeline, "yaml") },
    isIts && !archived && { word: "Archive…", act: () => setDialog("archive") },
    isIts && archived && { word: "Restore", act: () => restore.once(undefined) },
    isIts && { word: "Delete…", act: () => setDialog("delete"), danger: true },
  ];
  return (
    <>
      <Menu label={`More for ${pipeline.name}`} choices={choices.filter((one) => one !== false)} />
      {dialog === "duplicate" && <Duplicate pipeline={pipeline} close={close} />}
      {dialog === "archive" && <Archive pipeline={pipeline} close={close} />}
      {dialog === "delete" && <Delete pipeline={pipeline} close={close} gone={gone} />}
    </>
  );
}

function Archive({ pipeline, close }: { pipeline: Named; close: () => void }) {
  const archive = useAct({
    act: () => change("POST", `/pipelines/${pipeline.id}/archive`),
    changes: [["pipelines"], ["pipeline", pipeline.id]],
    said: () => `${pipeline.name} is archived.`,
    after: close,
  });
  return (
    <Confirm
      title={`Archive ${pipeline.name}?`}
      word="Archive"
      danger={false}
      running={archive.isPending}
      error={archive.error}
      act={() => archive.once(undefined)}
      close={close}
    >
      <p>
        It stays here with its history, and nothing starts it any more: its schedules, webhooks and
        event triggers are disabled. What runs goes on to its end.
      </p>
    </Confirm>
  );
}
