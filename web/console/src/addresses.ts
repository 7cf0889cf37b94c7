/** The addresses of the pages; the page of one thing is below the one that lists them. */

/** Where one lands: the first of the pages. */
export const HOME = "/console/now";

export const PIPELINES = "/console/pipelines";
export const NEW_PIPELINE = `${PIPELINES}/new`;
export const pipelineAt = (id: string): string => `${PIPELINES}/${encodeURIComponent(id)}`;
export const editorAt = (id: string): string => `${pipelineAt(id)}/edit`;
export const gridAt = (id: string): string => `${pipelineAt(id)}/grid`;
/** The page of a pipeline with its form open. */
export const runAt = (id: string): string => `${pipelineAt(id)}?run=1`;

export const EXECUTIONS = "/console/executions";
export const executionAt = (id: string): string => `${EXECUTIONS}/${encodeURIComponent(id)}`;
/** What waits for the world, and the approvals among it. */
export const PARKED = "/console/parked";
export const SCHEDULES = "/console/schedules";
export const WEBHOOKS = "/console/webhooks";
/** Event triggers are listed on the page of webhooks; each has a page below TRIGGER. */
export const TRIGGERS = `${WEBHOOKS}?view=triggers`;
export const TRIGGER = "/console/triggers";
export const SUBSCRIPTIONS = "/console/subscriptions";
export const GUARDRAILS = "/console/guardrails";
export const SYSTEM = "/console/system";

export const ACTIONS = "/console/actions";
export const actionAt = (type: string): string => `${ACTIONS}/${encodeURIComponent(type)}`;
