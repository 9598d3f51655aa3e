package trustsync

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"

	"github.com/grantor-dev/grantor/api/v1alpha1"
)

// codecs returns our codec for OAuth clients, and that of Kubernetes.
func codecs(t *testing.T, kind string, newObject func() runtime.Object) (fast, slow runtime.SerializerInfo) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	plain := serializer.NewCodecFactory(scheme).WithoutConversion()
	ours := codec{plain, v1alpha1.GroupVersion().WithKind(kind), newObject}.SupportedMediaTypes()
	if len(ours) != 1 || ours[0].MediaType != runtime.ContentTypeJSON {
		t.Fatalf("media types %v", ours)
	}
	slow, _ = runtime.SerializerInfoForMediaType(plain.SupportedMediaTypes(), runtime.ContentTypeJSON)
	return ours[0], slow
}

func clientCodecs(t *testing.T) (fast, slow runtime.SerializerInfo) {
	t.Helper()
	return codecs(t, "OAuthClient", func() runtime.Object { return &v1alpha1.OAuthClient{} })
}

func text(t *testing.T, o runtime.Object, kind string) []byte {
	t.Helper()
	o.GetObjectKind().SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(kind))
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fullMetadata has what an API server sends and we do not use.
func fullMetadata(m *metav1.ObjectMeta) {
	m.ResourceVersion, m.Generation, m.DeletionTimestamp = "12", 3, new(created())
	m.DeletionGracePeriodSeconds = new(int64(0))
	m.Labels, m.Annotations, m.Finalizers = map[string]string{"a": "b"}, map[string]string{"c": `{"d":"\u00e9\n"}`}, []string{"x/y"}
	m.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "X", Name: "x", UID: "u", Controller: new(true)}}
}

// The codec reads what the one of Kubernetes does, but for managedFields.
func TestDecodesAsKubernetesDoes(t *testing.T) {
	c, p := oauthClient(), provider(t)
	fullMetadata(&c.ObjectMeta)
	fullMetadata(&p.ObjectMeta)
	for _, tc := range []struct {
		kind   string
		object interface {
			runtime.Object
			metav1.Object
		}
		newObject func() runtime.Object
	}{
		{"OAuthClient", c, func() runtime.Object { return &v1alpha1.OAuthClient{} }},
		{"IdentityProvider", p, func() runtime.Object { return &v1alpha1.IdentityProvider{} }},
	} {
		fast, slow := codecs(t, tc.kind, tc.newObject)
		plain := text(t, tc.object, tc.kind)
		want, wantKind, err := slow.Serializer.Decode(plain, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		tc.object.SetManagedFields(managedFields())
		managed := text(t, tc.object, tc.kind)
		if len(managed) == len(plain) {
			t.Fatal("without managedFields")
		}
		got, gotKind, err := fast.Serializer.Decode(managed, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" || *wantKind != *gotKind {
			t.Error(gotKind, diff)
		}
	}
}

// What our codec cannot read is read as Kubernetes does, or refused as it does.
func TestDecodesOtherThings(t *testing.T) {
	fast, slow := clientCodecs(t)
	for name, data := range map[string]string{
		"another kind":    string(text(t, provider(t), "IdentityProvider")),
		"another version": `{"apiVersion":"grantor.dev/v9","kind":"OAuthClient"}`,
		"no kind":         `{"metadata":{"name":"x"}}`,
		"a status":        `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"too old","reason":"Expired","code":410}`,
		"a member twice":  `{"apiVersion":"grantor.dev/v1alpha1","kind":"OAuthClient","metadata":{"name":"a","name":"b"}}`,
		"unknown members": `{"apiVersion":"grantor.dev/v1alpha1","kind":"OAuthClient","metadata":{"name":"a"},"x":{"y":[1]}}`,
		"other case":      `{"apiVersion":"grantor.dev/v1alpha1","kind":"OAuthClient","Metadata":{"name":"a"}}`,
		"null":            `{"apiVersion":"grantor.dev/v1alpha1","kind":"OAuthClient","metadata":{"name":"a","creationTimestamp":null},"spec":null}`,
		"garbage":         `{`,
		"another type":    `{"apiVersion":"grantor.dev/v1alpha1","kind":"OAuthClient","spec":{"grantTypes":1}}`,
		"a list":          `{"apiVersion":"grantor.dev/v1alpha1","kind":"OAuthClientList","metadata":{"resourceVersion":"5"},"items":[{"metadata":{"name":"a"}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			want, wantKind, wantErr := slow.Serializer.Decode([]byte(data), nil, nil)
			got, gotKind, gotErr := fast.Serializer.Decode([]byte(data), nil, nil)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if (wantErr == nil) != (gotErr == nil) || wantKind != nil && *wantKind != *gotKind {
				t.Errorf("kind %v instead of %v, error %v instead of %v", gotKind, wantKind, gotErr, wantErr)
			}
		})
	}
}

func TestDecodesInto(t *testing.T) {
	fast, _ := clientCodecs(t)
	var list v1alpha1.OAuthClientList
	data := `{"apiVersion":"grantor.dev/v1alpha1","kind":"OAuthClientList","metadata":{"resourceVersion":"5"},"items":[{"metadata":{"name":"a"}}]}`
	if _, _, err := fast.Serializer.Decode([]byte(data), nil, &list); err != nil || list.ResourceVersion != "5" || len(list.Items) != 1 {
		t.Errorf("list %+v, error %v", list, err)
	}
}

func TestDecodesWatchEvents(t *testing.T) {
	fast, slow := clientCodecs(t)
	for _, data := range []string{
		`{"type":"ADDED","object":{"apiVersion":"grantor.dev/v1alpha1","kind":"OAuthClient","metadata":{"name":"a"}}}`,
		`{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","code":410}}`,
		`{"type":"ADDED","type":"DELETED","object":{}}`,
		`{"type":1}`,
	} {
		var want, got metav1.WatchEvent
		_, wantKind, wantErr := slow.StreamSerializer.Decode([]byte(data), nil, &want)
		buffer := []byte(data)
		result, gotKind, gotErr := fast.StreamSerializer.Decode(buffer, nil, &got)
		clear(buffer) // It is the stream's, for the next event.
		if diff := cmp.Diff(want, got); diff != "" || (wantErr == nil) != (gotErr == nil) {
			t.Errorf("%s: error %v instead of %v, %s", data, gotErr, wantErr, diff)
		}
		if gotErr == nil && (result != &got || gotKind.Kind != wantKind.Kind) {
			t.Errorf("%s: result %T, kind %v instead of %v", data, result, gotKind, wantKind)
		}
	}
}
