/** What the API answers, by the names that the pages use; all from the OpenAPI document. */

import type { components } from "./schema";

type Schemas = components["schemas"];
/** Answers have all their fields; the document says so of none. */
type Whole<T> = T extends (infer One)[]
  ? Whole<One>[]
  : T extends object
    ? { [Key in keyof T]-?: Whole<Exclude<T[Key], undefined>> }
    : T;

export type ListedExecution = Whole<Schemas["ListedExecution"]>;
export type Execution = Whole<Schemas["Execution"]>;
export type ExecutionList = Whole<Schemas["ExecutionList"]>;
export type Progress = Whole<Schemas["Progress"]>;
export type Step = Whole<Schemas["Step"]>;
export type OneStep = Whole<Schemas["OneStep"]>;
export type Attempt = Whole<Schemas["Attempt"]>;
export type StepList = Whole<Schemas["StepList"]>;
export type Event = Whole<Schemas["Event"]>;
export type EventList = Whole<Schemas["EventList"]>;
export type LogLine = Whole<Schemas["LogLine"]>;
export type LogList = Whole<Schemas["LogList"]>;
export type Explanation = Whole<Schemas["Explanation"]>;
export type Finding = Whole<Schemas["Finding"]>;
export type Parked = Whole<Schemas["Parked"]>;
export type ParkedList = Whole<Schemas["ParkedList"]>;
export type ApprovalList = Whole<Schemas["WaitingList"]>;
export type Schedule = Whole<Schemas["Schedule"]>;
export type ScheduleList = Whole<Schemas["ScheduleList"]>;
export type ScheduleCalendar = Whole<Schemas["Calendar"]>;
export type SchedulePreview = Whole<Schemas["Preview"]>;
export type Fire = Whole<Schemas["Fire"]>;
export type FireList = Whole<Schemas["FireList"]>;
export type Backfill = Whole<Schemas["Backfill"]>;
export type Webhook = Whole<Schemas["Webhook"]>;
export type MadeWebhook = Whole<Schemas["MadeWebhook"]>;
export type WebhookDelivery = Whole<Schemas["WebhookDelivery"]>;
export type WebhookDeliveryList = Whole<Schemas["WebhookDeliveryList"]>;
export type WebhookTrial = Whole<Schemas["Trial"]>;
export type EventTrigger = Whole<Schemas["EventTrigger"]>;
export type EventType = Whole<Schemas["EventType"]>;
export type FiringList = Whole<Schemas["FiringList"]>;
export type Delivery = Whole<Schemas["Delivery"]>;
export type DeliveryList = Whole<Schemas["DeliveryList"]>;
export type Subscription = Whole<Schemas["Subscription"]>;
export type MadeSubscription = Whole<Schemas["MadeSubscription"]>;
export type SubscriptionList = Whole<Schemas["SubscriptionList"]>;
export type Message = Whole<Schemas["Message"]>;
export type ListedMessage = Whole<Schemas["ListedMessage"]>;
export type MessageList = Whole<Schemas["MessageList"]>;
export type Pipeline = Whole<Schemas["Pipeline"]>;
export type ListedPipeline = Whole<Schemas["ListedPipeline"]>;
export type RecentExecution = Whole<Schemas["RecentExecution"]>;
export type Report = Whole<Schemas["Report"]>;
export type Issue = Whole<Schemas["Issue"]>;
export type Revision = Whole<Schemas["Revision"]>;
export type Statistics = Whole<Schemas["Statistics"]>;
export type StepFigures = Whole<Schemas["StepFigures"]>;
export type Grid = Whole<Schemas["Grid"]>;
export type GuardrailWorkflow = Whole<Schemas["Workflow"]>;
export type GuardrailWorkflowList = Whole<Schemas["WorkflowList"]>;
export type GuardrailProgress = Whole<Schemas["WorkflowProgress"]>;
export type GuardrailTakenBack = Whole<Schemas["TakenBack"]>;
export type ModelStatus = Whole<Schemas["ModelStatus"]>;
export type Pagination = Whole<Schemas["Pagination"]>;
export type Overview = Whole<Schemas["Overview"]>;
export type Ready = Whole<Schemas["Ready"]>;
export type System = Whole<Schemas["System"]>;
export type InstallationReport = Whole<Schemas["InstallationReport"]>;
export type Retention = Whole<Schemas["Retention"]>;
export type Cleaned = Whole<Schemas["Cleaned"]>;
export type Quotas = Whole<Schemas["Quotas"]>;
export type ActionCatalogue = Whole<Schemas["Palette"]>;
export type ListedAction = Whole<Schemas["PaletteAction"]>;
export type OneAction = Whole<Schemas["OneAction"]>;
export type ActionVersions = Whole<Schemas["VersionsOfAction"]>;
export type PackageList = Whole<Schemas["PackageList"]>;

/** What a definition says of a step, as far as the pages show it. */
export interface DefinedStep {
  id: string;
  name?: string;
  action: string;
  depends_on?: string[];
  params?: Record<string, unknown>;
}
