package lib.groups_test

import data.lib.groups

test_half_width_is_a_share_of_the_mean if {
	groups.half_width(0.5, 0.1) >= 0.05
	groups.half_width(0.5, 0.1) < 0.0501
}

test_half_width_of_a_mean_below_zero if groups.half_width(-2, 0.1) >= 0.2

test_known_is_what_the_facts_list if {
	groups.is_known("a", {"groups": ["a"]})
	not groups.is_known("b", {"groups": ["a"]})
	not groups.is_known("b", {})
}

test_vouched_for_unless_the_caller_says_it if {
	groups.is_vouched_for("claim:group")
	groups.is_vouched_for("input:applicant[3]")
	not groups.is_vouched_for("header:X-Protected-Group")
	not groups.is_vouched_for("HEADER:x")
	not groups.is_vouched_for(null)
}

test_skipped_only_where_the_facts_say_so if {
	model := {"groups": ["a"], "read": {"group": "claim:group"}}
	call := {"attributes": {"groups": {"source": "claim:group"}}}
	not groups.is_skipped("b", model) with input as call
	skipping := object.union(model, {"unknown_group": "skip_band"})
	groups.is_skipped("b", skipping) with input as call
	not groups.is_skipped("a", skipping) with input as call
}
