/** Steps that ask for one of two, and the endpoints that one of them needs. */

import { withValue } from "../../forms/param";
import { Cards } from "../Cards";
import { Words } from "../Words";
import type { FormProps } from "./form";

const MODES = [
  {
    value: "dedicated",
    word: "Dedicated",
    about: "A model has its devices for itself: it is as quick as simulated, and costs more.",
  },
  {
    value: "shared",
    word: "Shared",
    about: "Models share devices where there is room: cheaper, and slower when all are asked.",
  },
];

export function HardwareMode({ values, change, problems }: FormProps) {
  return (
    <Cards
      name="hardware_mode"
      label="Hardware"
      cards={MODES}
      chosen={values.hardware_mode}
      choose={(mode) => change(withValue(values, "hardware_mode", mode))}
      problems={problems}
    />
  );
}

const TYPES = [
  {
    value: false,
    word: "In front of endpoints",
    about: "The gateway asks it before and after these endpoints; the next step says which.",
  },
  {
    value: true,
    word: "Standalone",
    about: "It guards no endpoint: whoever wants its opinion asks it.",
  },
];

export function DeploymentType({ values, change, problems }: FormProps) {
  return (
    <Cards
      name="is_standalone"
      label="Place"
      cards={TYPES}
      chosen={values.is_standalone}
      choose={(standalone) => change(withValue(values, "is_standalone", standalone))}
      problems={problems}
    />
  );
}

export function Endpoints({ values, change, problems, earlier }: FormProps) {
  return (
    <Words
      name="endpoint_ids"
      label="Endpoints"
      about="Ids of endpoints of the project, at budapp."
      needed
      known={earlier.values.endpoint_ids}
      value={values.endpoint_ids}
      change={(next) => change(withValue(values, "endpoint_ids", next))}
      problems={problems}
    />
  );
}
