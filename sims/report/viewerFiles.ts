/**
 * Where the viewer's script and style are. Paths of files that ship are told from one folder below sims: from `sims/built`,
 * where the bundle of a package lies, they lead to the same place.
 */

export const viewerScript = new URL('../report/viewer/built/viewer.js', import.meta.url);
export const viewerStyle = new URL('../report/viewer/built/viewer.css', import.meta.url);
