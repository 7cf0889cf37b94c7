/** Where pipelines are in the console. */

export const PIPELINES = "/console/pipelines";
export const NEW_PIPELINE = `${PIPELINES}/new`;

export const pipelineAt = (id: string): string => `${PIPELINES}/${id}`;
export const editorAt = (id: string): string => `${PIPELINES}/${id}/edit`;
export const runAt = (id: string): string => `${PIPELINES}/${id}?run=1`;
export const gridAt = (id: string): string => `${PIPELINES}/${id}/grid`;
