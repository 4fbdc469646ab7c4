/**
 * Names under which an upload may be stored.
 *
 * @module
 */

/** What the file systems in use allow, in bytes of UTF-8. */
const LONGEST_NAME = 255;

/**
 * Names that Windows gives to devices, in any case and with any extension; a folder may be shared with it.
 */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³])\s*(\.|$)/i;

const RULES: readonly (readonly [breaks: (name: string) => boolean, reason: string])[] = [
  [(name) => name === "", "a name is missing"],
  [
    (name) => new TextEncoder().encode(name).length > LONGEST_NAME,
    `a name has at most ${LONGEST_NAME} bytes`,
  ],
  [(name) => /[/\\]/.test(name), "a name is no path: it has no / and no \\"],
  [(name) => /\p{Cc}/u.test(name), "a name has no control characters"],
  // Hidden ones, "..", and our own unfinished files.
  [(name) => name.startsWith("."), "a name does not begin with a dot"],
  [(name) => /[<>:"|?*]/.test(name), 'a name has none of < > : " | ? *'],
  [(name) => /^\s|[\s.]$/.test(name), "a name does not begin or end with a space, or end with a dot"],
  [(name) => DEVICE.test(name), "the name is reserved"],
];

/**
 * What is wrong with a name, in a few words; `undefined` if it names a file in the folder and nothing else,
 * on every system.
 */
export function whyNotName(name: string): string | undefined {
  return RULES.find(([breaks]) => breaks(name))?.[1];
}
