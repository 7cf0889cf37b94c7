/** Many steps from afar: one canvas, where each would be an element. From near, the ways only. */

import { useStore } from "@xyflow/react";
import { useEffect, useMemo, useRef } from "react";
import type { Step } from "../../api/types";
import type { Arrangement } from "../../graph/layout";
import { edges, meet, type Node, type Place } from "../../graph/nodes";
import { PATHS } from "../../parts/Icon";
import { type Look, stateOfStep } from "../../states";
import { useTheme } from "../../theme/theme";
import { courseOf } from "./course";
import { READABLE } from "./Tools";

interface Props {
  steps: Step[];
  nodes: Node[];
  arrangement: Arrangement;
  selected: string | null;
  lit: Set<string> | null;
}

type Course = ReturnType<typeof courseOf>;
/** The token of what is drawn in each. */
const COURSES: [Course, string][] = [
  ["", "--line-strong"],
  ["gone", "--done"],
  ["goes", "--running"],
];
/** Heights in pixels from which a sign can be told from another. */
const SIGN = 7;

export function MapOfMany({ steps, nodes, arrangement, selected, lit }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [x, y, zoom] = useStore((store) => store.transform);
  const width = useStore((store) => store.width);
  const height = useStore((store) => store.height);
  const theme = useTheme();
  const ways = useMemo(() => waysOf(nodes, steps, arrangement), [nodes, steps, arrangement]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme is behind the tokens
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      const pen = canvas.current?.getContext("2d");
      if (!pen || width === 0) return;
      const scale = devicePixelRatio;
      pen.canvas.width = width * scale;
      pen.canvas.height = height * scale;
      pen.setTransform(scale * zoom, 0, 0, scale * zoom, scale * x, scale * y);
      const color = tokens();
      for (const [course, token] of COURSES) {
        pen.strokeStyle = color(token);
        pen.lineWidth = (course === "" ? 1 : 1.4) / zoom;
        pen.stroke(ways[course]);
      }
      if (zoom >= READABLE) return;
      const seen = { x: -x / zoom, y: -y / zoom, width: width / zoom, height: height / zoom };
      for (const step of steps) {
        const place = arrangement.places.get(step.id);
        if (!place || !meet(place, seen)) continue;
        pen.globalAlpha = lit && !lit.has(step.id) ? 0.2 : 1;
        draw(pen, step, place, zoom, color);
        if (step.id !== selected) continue;
        pen.strokeStyle = color("--accent");
        pen.lineWidth = 3 / zoom;
        pen.strokeRect(place.x - 12, place.y - 12, place.width + 24, place.height + 24);
      }
    });
    return () => cancelAnimationFrame(frame);
  }, [x, y, zoom, width, height, steps, ways, arrangement, selected, lit, theme]);
  return (
    <canvas
      ref={canvas}
      className="graph-map"
      role="img"
      aria-label={`Map of ${steps.length} steps; the Gantt lists them`}
    />
  );
}

function draw(
  pen: CanvasRenderingContext2D,
  step: Step,
  place: Place,
  zoom: number,
  color: (token: string) => string,
): void {
  const { look, icon } = stateOfStep(step);
  const strong = color(`--${look === "skipped" ? "waiting" : look}`);
  pen.fillStyle = look === "skipped" ? color("--ground") : color(`--${soft(look)}`);
  pen.strokeStyle = strong;
  pen.lineWidth = 1 / zoom;
  pen.setLineDash(look === "skipped" || look === "waiting" ? [3 / zoom, 2 / zoom] : []);
  pen.beginPath();
  pen.roundRect(place.x, place.y, place.width, place.height, 10);
  pen.fill();
  pen.stroke();
  pen.setLineDash([]);
  if (place.height * zoom < SIGN) return;
  const side = place.height * 0.8;
  pen.save();
  pen.translate(place.x + place.width / 2 - side / 2, place.y + place.height / 2 - side / 2);
  pen.scale(side / 16, side / 16);
  pen.lineWidth = 2;
  pen.stroke(signOf(icon));
  pen.restore();
}

/** What is done is quiet; what fails or runs is to be found from afar. */
const soft = (look: Look): string =>
  look === "skipped" || look === "waiting" ? "waiting-soft" : `${look}-soft`;

const SIGNS = new Map<string, Path2D>();
function signOf(icon: keyof typeof PATHS): Path2D {
  const sign = SIGNS.get(icon) ?? new Path2D(PATHS[icon]);
  SIGNS.set(icon, sign);
  return sign;
}

function waysOf(nodes: Node[], steps: Step[], { places, direction }: Arrangement) {
  const rows = new Map(steps.map((step) => [step.id, step]));
  const ways: Record<Course, Path2D> = { "": new Path2D(), gone: new Path2D(), goes: new Path2D() };
  for (const [source, target] of edges(nodes)) {
    const [from, to] = [places.get(source), places.get(target)];
    if (!from || !to) continue;
    curve(ways[courseOf(rows.get(source), rows.get(target))], from, to, direction);
  }
  return ways;
}

function curve(path: Path2D, from: Place, to: Place, direction: Arrangement["direction"]): void {
  if (direction === "LR") {
    const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
    const [x2, y2] = [to.x, to.y + to.height / 2];
    path.moveTo(x1, y1);
    path.bezierCurveTo((x1 + x2) / 2, y1, (x1 + x2) / 2, y2, x2, y2);
  } else {
    const [x1, y1] = [from.x + from.width / 2, from.y + from.height];
    const [x2, y2] = [to.x + to.width / 2, to.y];
    path.moveTo(x1, y1);
    path.bezierCurveTo(x1, (y1 + y2) / 2, x2, (y1 + y2) / 2, x2, y2);
  }
}

/** The values of the tokens in this theme, each asked for once. */
function tokens(): (name: string) => string {
  const style = getComputedStyle(document.documentElement);
  const known = new Map<string, string>();
  return (name) => {
    const value = known.get(name) ?? style.getPropertyValue(name);
    known.set(name, value);
    return value;
  };
}
