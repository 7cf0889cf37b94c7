export { DocumentView as default } from "./code/DocumentView";
