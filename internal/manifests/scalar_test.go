package manifests

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	kubectl "sigs.k8s.io/yaml"
)

// scalars are what readers of YAML differ over.
var scalars = strings.Split(`y|Y|yes|Yes|YES|yEs|n|N|no|No|NO|on|On|ON|off|Off|OFF|true|True|TRUE|tRUE|false|False|"yes"|'on'|!!str yes|!!bool yes|!!bool "off"|`+
	`2026-01-01|2026-1-2|2026-01-01T00:00:00Z|2001-12-14t21:59:43.10-05:00|2001-12-14 21:59:43.10|!!timestamp 2026-01-01|"2026-01-01"|`+
	`0o14|014|0x1F|0b101|-0b1|1_000|1e3|1E+02|.5|5.|1:30|+1|-0|9223372036854775807|18446744073709551616|1.0|0.10|!!str 1|!!binary aGk=|!!int 3|!!float 1|`+
	`=|-|1.2.3|0x|0b2|08|0_8|_1|1__0|12e03|1e|Inf|NaN|infinity|0X1f|+.5|-.5e3|1e-400|1e400|a|""|<|{a: yes}|[on, {off: no}]`, "|")

// TestScalarsAreThoseOfKubectl: an object in a file means here what it means on a cluster.
func TestScalarsAreThoseOfKubectl(t *testing.T) {
	for _, scalar := range scalars {
		for _, form := range []string{"a: %s\n", "%s: a\n", "a: [%s]\n", "a: &b %s\nc: *b\n", "a: {<<: {b: %s}}\n"} {
			text := fmt.Sprintf(form, scalar)
			want, err := kubectl.YAMLToJSON([]byte(text))
			if err != nil {
				continue // It is no object for kubectl either.
			}
			var doc yaml.Node
			if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
				t.Errorf("%q: %v", text, err)
				continue
			}
			asOnCluster(&doc)
			var object map[string]any
			if err := doc.Decode(&object); err != nil {
				t.Errorf("%q: %v", text, err)
				continue
			}
			got, err := json.Marshal(jsonTypes(object))
			if err != nil {
				t.Errorf("%q: %v", text, err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%q (-kubectl +here):\n%s", text, diff)
			}
		}
	}
}
