/** Addresses that many pages lead to. */

/** Where one lands: the first of the pages. */
export const HOME = "/console/now";
/** The page of executions; each is below it. */
export const EXECUTIONS = "/console/executions";
/** What waits for the world, and the approvals among it. */
export const PARKED = "/console/parked";
