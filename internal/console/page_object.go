package console

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/internal/console/catalog"
)

func objectPage(d *objectData, now time.Time) g.Node {
	r := d.Row
	return g.Group{
		h.P(h.Class("kind"), text(d.Kind)),
		h.H1(bdi(r.Namespace, "/", r.Name)),
		h.P(h.Class("verdict"), health(r.Health), space(), g.If(r.Health != catalog.Ready, h.Strong(text(r.Reason)))),
		g.If(r.Message != "", h.P(h.Class("notice "+string(r.Health)), bdi(r.Message))),
		factList(d.Facts),
		conditionsSection(d.Conditions, now),
		d.keysSection(now),
		g.Iff(len(d.Policy) > 0, func() g.Node { return section("policy-heading", text("Policy that applies"), factList(d.Policy)) }),
		section(
			"spec-heading", text("Spec"),
			h.Pre(h.TabIndex("0"), h.Role("region"), h.Aria("labelledby", "spec-heading"), h.Code(lines(d.Spec))),
			g.If(d.Cut, hint(text("Cut here: "), code("kubectl get --output yaml"), text(" shows the rest."))),
		),
	}
}

func factList(facts []fact) g.Node {
	return h.Dl(h.Class("facts"), g.Map(facts, func(f fact) g.Node {
		if f.URL == "" {
			return entry(f.Name, bdi(f.Value))
		}
		return entry(f.Name, link(f.URL, bdi(f.Value)))
	}))
}

func conditionsSection(conditions []metav1.Condition, now time.Time) g.Node {
	const id, heading = "conditions-heading", "Conditions"
	if len(conditions) == 0 {
		return section(id, text(heading), empty(text("None yet: the operator has not looked at this object.")))
	}
	row := func(c metav1.Condition) g.Node {
		status := badge("notready", c.Status)
		if c.Status == metav1.ConditionTrue {
			status = badge("ready", c.Status)
		}
		since := c.LastTransitionTime
		return h.Tr(
			rowHead(text(c.Type), narrow(status)), cell("wide", status), cell("", reason(c.Reason), message(bdi(c.Message))),
			cell("wide", h.Time(h.DateTime(since.UTC().Format("2006-01-02T15:04:05Z")), text(ago(now, since.Time)))),
		)
	}
	return section(id, text(heading), h.Table(
		h.Class("conditions"),
		h.Caption(h.Class("hidden"), text("Conditions, with what to do about those that are not True")),
		columns(column("Condition", ""), column("Status", "wide"), column("Reason and what to do", ""), column("Since", "wide")),
		h.TBody(g.Map(conditions, row)),
	))
}

func (d *objectData) keysSection(now time.Time) g.Node {
	if len(d.Keys)+len(d.Undated)+len(d.Skipped) == 0 {
		return nil
	}
	return section(
		"keys-heading", text("Keys"),
		g.If(len(d.Keys) > 0, h.Table(
			h.Caption(text("Keys out of certificates")),
			columns(column("Key", ""), column("Type", "wide"), column("Valid from", "wide"), column("Ends", "")),
			h.TBody(g.Map(d.Keys, func(k keyRow) g.Node {
				return h.Tr(
					rowHead(bdi(k.Name)), cell("wide", text(k.Type)), cell("wide", text(stamp(k.NotBefore))),
					cell("", end(k, now), message(text(stamp(k.NotAfter)))),
				)
			})),
		)),
		g.If(len(d.Undated) > 0, h.Table(
			h.Caption(text("Keys without an end")),
			columns(column("Key id", ""), column("Type", ""), column("Algorithms", "wide"), column("Thumbprint (RFC 7638)", "wide")),
			h.TBody(g.Map(d.Undated, undatedRow)),
		)),
		g.If(len(d.Skipped) > 0, h.Table(
			h.Caption(text("Entries that are not used")),
			columns(column("Entry", ""), column("Why", "")),
			h.TBody(g.Map(d.Skipped, func(s v1alpha1.SkippedKey) g.Node {
				return h.Tr(rowHead(bdi(s.Entry)), cell("", reason(s.Reason), message(bdi(s.Message))))
			})),
		)),
	)
}

func undatedRow(k v1alpha1.TrustedKey) g.Node {
	id := k.KeyID
	if id == "" {
		id = "none"
	}
	var algorithms []v1alpha1.SignatureAlgorithm
	for i, a := range k.Algorithms {
		if i > 0 {
			algorithms = append(algorithms, ", ")
		}
		algorithms = append(algorithms, a)
	}
	return h.Tr(rowHead(bdi(id)), cell("", text(k.Type)), cell("wide", text(algorithms...)), cell("wide", code(k.ThumbprintSHA256)))
}
