package config

import (
	"reflect"
	"testing"
)

// A daemon hands its configuration to the next binary field by field: what it
// could not see there would be lost.
func TestEverythingCanBeHandedOver(t *testing.T) {
	hidden := map[string]bool{"Program.from": true} // nil once the file has been checked
	seen := map[reflect.Type]bool{}
	var look func(typ reflect.Type)
	look = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			look(typ.Elem())
		case reflect.Map:
			look(typ.Key())
			look(typ.Elem())
		case reflect.Func, reflect.Chan, reflect.Interface:
			t.Errorf("%s cannot be handed over", typ)
		case reflect.Struct:
			if seen[typ] {
				return
			}
			seen[typ] = true
			for i := range typ.NumField() {
				f := typ.Field(i)
				name := typ.Name() + "." + f.Name
				if hidden[name] {
					continue
				}
				if !f.IsExported() {
					t.Errorf("%s is not exported", name)
				}
				look(f.Type)
			}
		}
	}
	look(reflect.TypeFor[Config]())
}
