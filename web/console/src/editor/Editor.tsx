/** The editor of a pipeline: canvas, forms and document of one definition, and its way to the server. */

import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Failure } from "../parts/Notice";
import { Editing } from "./editing";
import { takeLeft } from "./left";
import { load, loadDraft } from "./server";
import { Workbench } from "./Workbench";
import "./editor.css";
import "./actionPalette.css";
import "./canvas/canvas.css";
import "./panel/panel.css";

export default function Editor({ id }: { id: string }) {
  const [left] = useState(() => takeLeft(id));
  const { data, error, refetch } = useQuery({
    queryKey: ["editor", id],
    queryFn: ({ signal }) => Promise.all([load(id, signal), loadDraft(id, signal)]),
    enabled: left === null,
    // What is edited is the editor's own from here on.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  // Whatever is asked again later takes nothing away of what was typed meanwhile.
  const begun = useRef(left);
  if (!begun.current && data) begun.current = new Editing(...data);
  if (begun.current) return <Workbench key={id} id={id} editing={begun.current} />;
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  return <p className="loading">Loading the pipeline…</p>;
}
