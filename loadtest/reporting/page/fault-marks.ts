import type uPlot from 'uplot';
import type { Fault } from '../record.ts';
import { colour } from './palette.ts';

const RADIUS_PX = 8;

/** Vertical lines where faults were made, with the number that each has in the list, where there is room for it. */
export function faultMarks(faults: readonly Fault[]): uPlot.Plugin {
  return { hooks: { drawAxes: (plot) => drawMarks(plot, faults) } };
}

function drawMarks({ ctx, bbox, valToPos }: uPlot, faults: readonly Fault[]): void {
  const ratio = devicePixelRatio;
  const radius = RADIUS_PX * ratio;
  ctx.save();
  ctx.font = `600 ${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  let free = Number.NEGATIVE_INFINITY;
  for (const [at, fault] of faults.entries()) {
    const x = Math.round(valToPos(fault.atS, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = colour('fault');
    ctx.lineWidth = ratio;
    ctx.setLineDash([4 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x + ratio / 2, bbox.top);
    ctx.lineTo(x + ratio / 2, bbox.top + bbox.height);
    ctx.stroke();
    if (x - radius < free) continue;
    free = x + radius + 2 * ratio;
    ctx.fillStyle = colour('fault');
    ctx.beginPath();
    ctx.arc(x, bbox.top - radius - ratio, radius, 0, 2 * Math.PI);
    ctx.fill();
    ctx.fillStyle = colour('card');
    ctx.fillText(String(at + 1), x, bbox.top - radius - ratio / 2);
  }
  ctx.restore();
}
