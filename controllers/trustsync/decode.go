package trustsync

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// codec reads objects of one kind in one pass, and without managedFields. The decoder of Kubernetes, which reads all kinds,
// takes five passes; a hundred thousand objects at the start of a process make that felt. What is not of the kind, or not
// as plain as an API server writes it, goes to that decoder.
type codec struct {
	runtime.NegotiatedSerializer
	kind      schema.GroupVersionKind
	newObject func() runtime.Object
}

// SupportedMediaTypes returns JSON alone: custom resources have no other form in which they could be faster.
func (c codec) SupportedMediaTypes() []runtime.SerializerInfo {
	var plain []runtime.SerializerInfo
	for _, info := range c.NegotiatedSerializer.SupportedMediaTypes() {
		if info.MediaType != runtime.ContentTypeJSON {
			continue
		}
		info.Serializer = c.decoder(info.Serializer)
		if info.StreamSerializer != nil {
			stream := *info.StreamSerializer
			stream.Serializer = c.decoder(stream.Serializer)
			info.StreamSerializer = &stream
		}
		plain = append(plain, info)
	}
	return plain
}

func (c codec) decoder(slow runtime.Serializer) runtime.Serializer {
	return &decoder{Serializer: slow, codec: c, options: json.WithUnmarshalers(json.UnmarshalFromFunc(skipManagedFields))}
}

func skipManagedFields(d *jsontext.Decoder, _ *[]metav1.ManagedFieldsEntry) error {
	return d.SkipValue()
}

type decoder struct {
	runtime.Serializer
	codec   codec
	options json.Options
}

// watchEvent is a metav1.WatchEvent whose object is left as it is.
type watchEvent struct {
	Type   string         `json:"type"`
	Object jsontext.Value `json:"object"`
}

// Decode reads an object or an event of a watch. Like every decoder of Kubernetes, it returns what it filled and its kind.
func (d *decoder) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	switch target := into.(type) {
	case nil:
		o := d.codec.newObject()
		if err := json.Unmarshal(data, o, d.options); err == nil && o.GetObjectKind().GroupVersionKind() == d.codec.kind {
			return o, new(d.codec.kind), nil
		}
	case *metav1.WatchEvent:
		var e watchEvent
		if err := json.Unmarshal(data, &e); err == nil {
			target.Type, target.Object.Raw = e.Type, e.Object
			return target, new(metav1.SchemeGroupVersion.WithKind("WatchEvent")), nil
		}
	default:
		// Lists, which only API servers that know no initial events are asked for.
	}
	return d.Serializer.Decode(data, defaults, into)
}
