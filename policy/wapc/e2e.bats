#!/usr/bin/env bats
# Runs every request in test_data/ through the module with kwctl: `cargo xtask dist`, then `bats policy/wapc/e2e.bats`.
# A test of the crate keeps these expectations equal to the answers of the policy.

setup() {
	command -v kwctl >/dev/null || skip "kwctl is not on PATH: see https://docs.kubewarden.io/quick-start"
	cd "$BATS_TEST_DIRNAME/../.." || return
	[ -f dist/policy.wasm ] || skip "there is no dist/policy.wasm: run cargo xtask dist"
}

# Runs a request with its settings and its answers of the cluster.
ask() {
	local file="policy/wapc/test_data/$1" options=()
	if [ -f "$file.settings.json" ]; then options+=(--settings-path "$file.settings.json"); fi
	if [ -f "$file.session.yml" ]; then
		options+=(--replay-host-capabilities-interactions "$file.session.yml")
		# kwctl before 1.35 does not know the flag and allows every host function.
		if kwctl run --help | grep -q -- --allowed-host-capabilities; then
			options+=(--allowed-host-capabilities=kubernetes/can_i)
		fi
	fi
	run kwctl run --request-path "$file.json" "${options[@]}" dist/policy.wasm
	# Shown where one of the checks below fails.
	echo "output = $output"
	[ "$status" -eq 0 ]
}

# Each takes parts of the messages to the client.
refused() { [[ "$output" == *'"allowed":false'* ]] && contains "$@"; }
accepted() { [[ "$output" == *'"allowed":true'* && "$output" != *'"patch":"'* ]] && contains "$@"; }
mutated() { [[ "$output" == *'"allowed":true'* && "$output" == *'"patch":"'* ]] && contains "$@"; }

# The answer is JSON, in which quotes are escaped.
contains() {
	local plain=${output//\\\"/\"}
	for part in "$@"; do [[ "$plain" == *"$part"* ]] || return 1; done
}

@test "hpa ceiling of the record holds" {
	ask hpa-ceiling-of-the-record-holds
	mutated 'hpa-override: desired 3-8 recorded'
}
@test "hpa controller gone override ends" {
	ask hpa-controller-gone-override-ends
	mutated 'hpa-override: 2-5 restored, the override has ended'
}
@test "hpa controller named by setting" {
	ask hpa-controller-named-by-setting; mutated
}
@test "hpa controller not named" {
	ask hpa-controller-not-named
	mutated 'hpa-override: bounds are '
}
@test "hpa controller returns ownership" {
	ask hpa-controller-returns-ownership; mutated
}
@test "hpa controller write untouched" {
	ask hpa-controller-write-untouched; accepted
}
@test "hpa copy of overridden" {
	ask hpa-copy-of-overridden
	mutated 'hpa-override: bounds are '
}
@test "hpa copy of unreadable record" {
	ask hpa-copy-of-unreadable-record
	mutated 'hpa-override: bounds are as sent; the record in this write cannot be read'
}
@test "hpa declared number is the owners" {
	ask hpa-declared-number-is-the-owners
	mutated 'hpa-override: desired 10-20 recorded'
}
@test "hpa delete untouched" {
	ask hpa-delete-untouched; accepted
}
@test "hpa echo untouched" {
	ask hpa-echo-untouched; accepted
}
@test "hpa endless override holds" {
	ask hpa-endless-override-holds
	mutated 'hpa-override: desired 3-8 recorded'
}
@test "hpa forged record removed" {
	ask hpa-forged-record-removed
	mutated 'hpa-override: bounds are '
}
@test "hpa gradual return goes on" {
	ask hpa-gradual-return-goes-on
	mutated 'hpa-override: desired 2-5 recorded'
}
@test "hpa invalid pair untouched" {
	ask hpa-invalid-pair-untouched; accepted
}
@test "hpa new numbers recorded" {
	ask hpa-new-numbers-recorded
	mutated 'hpa-override: desired 3-8 recorded'
}
@test "hpa not overridden untouched" {
	ask hpa-not-overridden-untouched; accepted
}
@test "hpa our min above a new max" {
	ask hpa-our-min-above-a-new-max
	mutated 'hpa-override: desired 2-8 recorded'
}
@test "hpa reapply unchanged keeps override" {
	ask hpa-reapply-unchanged-keeps-override
	mutated 'hpa-override: desired 2-5 recorded'
}
@test "hpa release marker" {
	ask hpa-release-marker
	mutated 'hpa-override: released, '
}
@test "hpa release marker without override" {
	ask hpa-release-marker-without-override; mutated
}
@test "hpa replace without record keeps override" {
	ask hpa-replace-without-record-keeps-override
	mutated 'hpa-override: desired 2-5 recorded'
}
@test "hpa status patch removes record" {
	ask hpa-status-patch-removes-record; mutated
}
@test "hpa status write untouched" {
	ask hpa-status-write-untouched; accepted
}
@test "hpa two overrides hold" {
	ask hpa-two-overrides-hold
	mutated 'hpa-override: desired 3-8 recorded'
}
@test "hpa unreadable record kept" {
	ask hpa-unreadable-record-kept
	mutated 'hpa-override: the record cannot be read, so the override is not kept'
}
@test "hpa unreadable record released" {
	ask hpa-unreadable-record-released
	mutated 'hpa-override: released with the bounds as sent'
}
@test "hpa without object let through" {
	ask hpa-without-object-let-through
	accepted 'hpa-override: let through as sent, so an override may not stay effective: the request carries no object'
}
@test "other kind untouched" {
	ask other-kind-untouched; accepted
}
@test "override apply by somebody else" {
	ask override-apply-by-somebody-else; mutated
}
@test "override apply by somebody else may not patch" {
	ask override-apply-by-somebody-else-may-not-patch
	refused 'spec.hpa: `bob` may not patch HorizontalPodAutoscaler shop/web, and so may not override it'
}
@test "override create above ceiling" {
	ask override-create-above-ceiling
	refused 'spec.maxReplicas: maxReplicas 20 is above the 15 allowed'
}
@test "override create above ceiling of its namespace" {
	ask override-create-above-ceiling-of-its-namespace
	refused 'spec.maxReplicas: maxReplicas 20 is above the 15 allowed'
}
@test "override create accepted" {
	ask override-create-accepted; mutated
}
@test "override create all errors" {
	ask override-create-all-errors
	refused \
		'8 errors: spec: two ends: keep either expiresAt or duration' \
		'spec.duration: `1.5h` is not a duration' \
		'spec.hpa: `Web_1` is not the name of a HorizontalPodAutoscaler' \
		'spec.minReplicas: minReplicas 20 is above maxReplicas 10' \
		'spec.namespace: namespace `kube-system` is protected: its HorizontalPodAutoscalers cannot be overridden' \
		'spec.namespace: namespace `kube-system` is not this override' \
		'spec.priority: priority 5000 is above the 1000 allowed' \
		'spec.startsAt: `2098-11-27T06Z` is not an instant'
}
@test "override create amounts and mode wrong" {
	ask override-create-amounts-and-mode-wrong
	refused \
		'3 errors: spec.maxReplicas: `0` is not an amount' \
		'spec.minReplicas: `+5` is not an amount' \
		'spec.mode: `Add` is not a mode'
}
@test "override create as long as allowed" {
	ask override-create-as-long-as-allowed; mutated
}
@test "override create at ceiling" {
	ask override-create-at-ceiling; mutated
}
@test "override create at ceiling of its namespace" {
	ask override-create-at-ceiling-of-its-namespace; mutated
}
@test "override create claims deletion" {
	ask override-create-claims-deletion
	refused 'spec.minReplicas: minReplicas 30 is above maxReplicas 20'
}
@test "override create end before start" {
	ask override-create-end-before-start
	refused 'spec.expiresAt: the end 2098-11-27T05:00:00Z is not after the start 2098-11-27T06:00:00Z'
}
@test "override create ended warns" {
	ask override-create-ended-warns
	mutated 'spec.expiresAt: its end 2001-11-27T23:00:00Z has passed, so it does nothing'
}
@test "override create forged stamp replaced" {
	ask override-create-forged-stamp-replaced; mutated
}
@test "override create generate name" {
	ask override-create-generate-name; mutated
}
@test "override create longer than allowed" {
	ask override-create-longer-than-allowed
	refused 'spec.expiresAt: from 2098-11-27T06:00:00Z to 2098-11-27T23:00:00Z and 1h to return is longer than the 17h'
}
@test "override create lowers under up only" {
	ask override-create-lowers-under-up-only
	refused \
		'2 errors: spec.maxReplicas: maxReplicas `80%` is below what the owner wants, and overrides may only go up' \
		'spec.minReplicas: minReplicas `desired-2` is below what the owner wants, and overrides may only go up'
}
@test "override create namespace protected" {
	ask override-create-namespace-protected
	refused 'spec.namespace: namespace `kube-system` is protected: its HorizontalPodAutoscalers cannot be overridden'
}
@test "override create namespace protected by setting" {
	ask override-create-namespace-protected-by-setting
	refused 'spec.namespace: namespace `shop` is protected: its HorizontalPodAutoscalers cannot be overridden'
}
@test "override create namespace unguarded" {
	ask override-create-namespace-unguarded
	refused 'spec.namespace: namespace `shop` is excluded from admission, so overrides in it are never active'
}
@test "override create no end by setting warns" {
	ask override-create-no-end-by-setting-warns
	mutated 'spec: no end is given, so it ends at 2098-11-27T14:00:00Z'
}
@test "override create no end never ends warns" {
	ask override-create-no-end-never-ends-warns
	mutated 'spec: no end is given, so it is active until it is deleted'
}
@test "override create no end warns" {
	ask override-create-no-end-warns
	mutated \
		'spec: no end is given, so it ends at 2098-11-28T06:00:00Z' \
		'spec.minReplicas: without maxReplicas, minReplicas 10 also raises the upper bound where that is lower'
}
@test "override create nothing given" {
	ask override-create-nothing-given
	refused \
		'2 errors: spec: no target: set hpa to the name of a HorizontalPodAutoscaler, or selector to labels of some' \
		'spec: no bounds: set minReplicas, maxReplicas or both'
}
@test "override create other namespace allowed" {
	ask override-create-other-namespace-allowed; mutated
}
@test "override create other namespace cluster error" {
	ask override-create-other-namespace-cluster-error
	refused \
		'spec.hpa: it is not known whether `alice` may patch HorizontalPodAutoscaler pay/web: the cluster answered with'
}
@test "override create other namespace cluster unreachable" {
	ask override-create-other-namespace-cluster-unreachable
	refused \
		'spec.hpa: it is not known whether `alice` may patch HorizontalPodAutoscaler pay/web: the cluster could not be'
}
@test "override create other namespace denied" {
	ask override-create-other-namespace-denied
	refused 'spec.namespace: namespace `pay` is not this override'
}
@test "override create other namespace may not patch" {
	ask override-create-other-namespace-may-not-patch
	refused 'spec.hpa: `alice` may not patch HorizontalPodAutoscaler pay/web, and so may not override it'
}
@test "override create other namespace may patch" {
	ask override-create-other-namespace-may-patch; mutated
}
@test "override create priority above allowed" {
	ask override-create-priority-above-allowed
	refused 'spec.priority: priority 11 is above the 10 allowed'
}
@test "override create priority as allowed" {
	ask override-create-priority-as-allowed; mutated
}
@test "override create raises under up only" {
	ask override-create-raises-under-up-only; mutated
}
@test "override create reason given" {
	ask override-create-reason-given; mutated
}
@test "override create reason missing" {
	ask override-create-reason-missing
	refused 'spec.reason: a reason is required'
}
@test "override create requester cluster error" {
	ask override-create-requester-cluster-error
	refused 'spec.hpa: it is not known whether `alice` may patch HorizontalPodAutoscaler shop/web: the cluster answered'
}
@test "override create requester cluster unreachable" {
	ask override-create-requester-cluster-unreachable
	refused \
		'spec.hpa: it is not known whether `alice` may patch HorizontalPodAutoscaler shop/web: the cluster could not be'
}
@test "override create requester may not patch" {
	ask override-create-requester-may-not-patch
	refused 'spec.hpa: `alice` may not patch HorizontalPodAutoscaler shop/web, and so may not override it'
}
@test "override create requester may patch" {
	ask override-create-requester-may-patch; mutated
}
@test "override create return and deletion wrong" {
	ask override-create-return-and-deletion-wrong
	refused \
		'2 errors: spec.returnOver: 1d1h is longer than 24h, the longest gradual return' \
		'spec.ttlAfterFinished: deletion needs an end that does not depend on when the object was created, otherwise a'
}
@test "override create schedule accepted" {
	ask override-create-schedule-accepted; mutated
}
@test "override create schedule never occurs" {
	ask override-create-schedule-never-occurs
	refused 'spec.schedule.cron: no date of any year fits it, so it would never start'
}
@test "override create schedule overlaps warns" {
	ask override-create-schedule-overlaps-warns
	mutated 'spec.schedule.cron: occurrences of 1d6h overlap: one begins before the one ahead has ended, and it stays active'
}
@test "override create schedule wrong" {
	ask override-create-schedule-wrong
	refused \
		'4 errors: spec.duration: with a schedule a duration is required' \
		'spec.schedule.cron: it has 4 fields, not the five minute, hour, day of month, month, day of week' \
		'spec.schedule.except[0]: `25.12.2098` is not a date' \
		'spec.schedule.timeZone: `europe/rome` is not the name of a time zone'
}
@test "override create selector accepted" {
	ask override-create-selector-accepted; mutated
}
@test "override create selector empty" {
	ask override-create-selector-empty
	refused 'spec.selector: the selector is empty, and would mean every HorizontalPodAutoscaler'
}
@test "override create selector may not patch" {
	ask override-create-selector-may-not-patch
	refused \
		'spec.selector: `alice` may not patch HorizontalPodAutoscalers in namespace `shop`, and so may not override it'
}
@test "override create selector may patch" {
	ask override-create-selector-may-patch; mutated
}
@test "override create selector wrong" {
	ask override-create-selector-wrong
	refused 'spec.selector: the selector is wrong: `Near` is no operator for `tier`'
}
@test "override create two targets" {
	ask override-create-two-targets
	refused 'spec: two targets: keep either hpa or selector'
}
@test "override create types wrong" {
	ask override-create-types-wrong
	refused \
		'3 errors: spec.priority: `"5"` is not a whole number' \
		'spec.reason: `20981127` is not text; write it in quotes' \
		'spec.suspend: `"no"` is not a boolean'
}
@test "override create without object" {
	ask override-create-without-object
	refused 'the request carries no object'
}
@test "override delete untouched" {
	ask override-delete-untouched; accepted
}
@test "override status untouched" {
	ask override-status-untouched; accepted
}
@test "override update deleting not checked" {
	ask override-update-deleting-not-checked; mutated
}
@test "override update extended" {
	ask override-update-extended; mutated
}
@test "override update label needs no authorization" {
	ask override-update-label-needs-no-authorization; accepted
}
@test "override update label untouched" {
	ask override-update-label-untouched; accepted
}
@test "override update stamp forged" {
	ask override-update-stamp-forged; mutated
}
@test "override update start moved" {
	ask override-update-start-moved
	refused 'spec.startsAt: it began at 2024-05-02T09:00:00Z, and a start that has passed cannot be moved to'
}
@test "override update target moved" {
	ask override-update-target-moved
	refused 'spec.hpa: hpa is immutable'
}
