/**
 * Text of strangers, fit to be printed.
 *
 * @module
 */

/** Controls, invisible formatting (also what turns the direction of writing), line separators, and the escape itself. */
const UNFIT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\\]/gu;

/**
 * One line that shows what it cannot print, so that nobody's text can forge another line or drive the terminal.
 *
 * @param most how many characters to print at most
 */
export function printable(text: string, most: number = 2_000): string {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return cut.replace(UNFIT, (character) => {
    if (character === "\\") return "\\\\";
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}
