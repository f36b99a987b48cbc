package sidecar_test

import data.sidecar

told_of(bundles) := facts.bundles if {
	facts := sidecar.facts with data.system.bundles as bundles
}

manifest := {"revision": "c0ffee", "roots": ["models", "datasets"], "rego_version": 1}

test_tells_of_no_bundle_where_the_engine_knows_none if told_of({}) == {}

test_tells_what_each_manifest_says if {
	published := {"sequence": 1795300000123, "created_unix_s": 1795300000.5, "builder": "ours"}
	found := told_of({
		"data": {"manifest": object.union(manifest, {"metadata": published}), "etag": "\"c0ffee\""},
		"policy": {"manifest": manifest},
	})
	found == {
		"data": {
			"revision": "c0ffee",
			"roots": ["models", "datasets"],
			"sequence": 1795300000123,
			"created_unix_s": 1795300000.5,
		},
		"policy": {"revision": "c0ffee", "roots": ["models", "datasets"]},
	}
}

# The order of publication is told in the metadata alone: whoever adds members to the manifest says nothing by it.
test_takes_a_sequence_from_the_metadata_alone if {
	swapped := object.union(manifest, {"sequence": 7, "metadata": {"revision": "other", "roots": ["sidecar"]}})
	told_of({"data": {"manifest": swapped}}) == {"data": {"revision": "c0ffee", "roots": ["models", "datasets"]}}
}

test_leaves_out_a_bundle_whose_manifest_is_none[told] if {
	some told in [{}, {"manifest": "c0ffee"}, {"manifest": object.union(manifest, {"metadata": "x"})}]
	told_of({"data": told, "policy": {"manifest": {}}}) == {"policy": {}}
}
