// What resources and tiers ask of jobs, and resources of tiers.
//
//   api::JobsResource resource(job_port(jobs), background);
//   derived.start(options, [&](auto&& database, auto&& set, auto range) { fill_by_job(jobs, database, set, range); });
//
// Threads: any. The references must outlive what is made of them.
#pragma once

#include <string>
#include <vector>

#include "api/derived.h"
#include "api/jobs.h"
#include "app/derived/derived_series.h"
#include "app/recompute/jobs.h"

namespace campanile::app {

api::JobPort job_port(Jobs& jobs);
std::vector<api::DerivedView> derived_views(const DerivedSeries& derived);

// Has a job fill a tier or tree with what was there before, unless it has one that is not over, was cancelled or has failed.
void fill_by_job(Jobs& jobs, const std::string& database, const std::string& set, tsdb::TimeRange range);

}  // namespace campanile::app
