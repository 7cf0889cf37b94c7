/** What one may type where there is nothing yet. A test types all of it, from the top to the bottom. */

/** `init` writes this definition; the others go on from it. */
export const MAKE_PIPELINE = `pipeline-engine init pipelines
pipeline-engine pipelines apply pipelines/release.json
pipeline-engine run release -p version=1.0.0`;

export const MAKE_SCHEDULE = `pipeline-engine schedules create every-night release --cron "30 2 * * *" -p version=nightly`;

export const MAKE_WEBHOOK = `pipeline-engine webhooks create on-tag release --accept hub --map "version={{ body.ref }}"`;

export const MAKE_TRIGGER = `pipeline-engine triggers create on-build release --event-type build.done -p version=edge`;

export const MAKE_SUBSCRIPTION = `pipeline-engine subscriptions create https://hooks.example/ --name everything`;
