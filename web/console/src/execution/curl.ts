/** The request behind the page, for a shell with what `pipeline-engine env` says. */
export const curlOf = (id: string): string =>
  `curl -s "$PIPELINE_API_URL/api/v1/executions/${id}/progress" \\\n  -H "Authorization: Bearer $PIPELINE_API_TOKEN"\n`;
