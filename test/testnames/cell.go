package testnames

import "strings"

// perFolder is how many tests of one folder a cell names.
const perFolder = 3

// Cell writes tests, sorted as Scan returns them, into a cell of a Markdown table: some of each folder, with a link to it.
// up leads from the page to the module.
func Cell(names []Name, up string) string {
	var parts []string
	for len(names) > 0 {
		folder, n := names[0].Folder, 0
		for n < len(names) && names[n].Folder == folder {
			n++
		}
		var quoted []string
		for _, name := range names[:min(n, perFolder)] {
			quoted = append(quoted, "`"+strings.ReplaceAll(name.Test, "|", `\|`)+"`")
		}
		text := "[" + folder + "](" + up + folder + "): " + strings.Join(quoted, ", ")
		if n > perFolder {
			text += " and more"
		}
		parts = append(parts, text)
		names = names[n:]
	}
	return strings.Join(parts, "; ")
}
