// Tier choice: has a plan read tiers where they answer exactly what is asked.
//
//   TRY(use_tiers(plan, tiers, engine));     // sources have other readers then, and say so in Source::tiers
//
// Tiers serve aggregates without a condition on fields: count, sum, mean, min, max and spread over any windows that are made of theirs; first and last where each group
// is one series; stddev and median where that is so and the windows are theirs. The coarsest that fits is read; at the edges, and where it is stale or
// incomplete, the next finer one, and in the end the points.
// Errors: those of the readers.
#pragma once

#include "query/plan.h"
#include "query/tiers.h"

namespace campanile::query {

Result<void> use_tiers(SelectPlan& plan, const Tiers& tiers, const tsdb::Engine& engine);

}  // namespace campanile::query
