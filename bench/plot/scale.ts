/** Where values stand on an axis. */

/** An axis: values to places, and the values that deserve a mark. */
export interface Scale {
  readonly ticks: readonly number[];
  place(value: number): number;
}

/** From zero, with about `marks` round marks. */
export function linearScale(largest: number, from: number, to: number, marks = 4): Scale {
  const step = roundStep(largest / marks);
  const ticks = Array.from({ length: Math.floor(largest / step) + 1 }, (_, n) => n * step);
  return { ticks, place: (value) => from + (to - from) * value / largest };
}

/** 1, 2 or 5 with zeros, at least `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= least * 0.999)!;
}

/** Powers of ten that hold all values; these must be greater than 0. */
export function logScale(values: readonly number[], from: number, to: number): Scale {
  const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, n) => Number((10 ** (low + n)).toPrecision(1))),
    place: (value) => from + (to - from) * (Math.log10(value) - low) / (high - low),
  };
}

/**
 * Moves places apart until neighbours are `gap` from each other, no further than it must: a group that touches stays
 * around the middle of where it wanted to be. The answer is in the order of the question.
 */
export function spreadOut(wanted: readonly number[], gap: number): number[] {
  interface Group {
    readonly members: number[];
    start: number;
  }
  const groups: Group[] = [];
  const middle = (members: readonly number[]): number =>
    members.reduce((sum, member, n) => sum + wanted[member] - n * gap, 0) / members.length;
  for (const index of wanted.map((_, index) => index).sort((a, b) => wanted[a] - wanted[b])) {
    let group: Group = { members: [index], start: wanted[index] };
    for (let last; (last = groups.at(-1)) && last.start + last.members.length * gap > group.start;) {
      groups.pop();
      const members = [...last.members, ...group.members];
      group = { members, start: middle(members) };
    }
    groups.push(group);
  }
  const places: number[] = [];
  for (const { members, start } of groups) members.forEach((member, n) => places[member] = start + n * gap);
  return places;
}
