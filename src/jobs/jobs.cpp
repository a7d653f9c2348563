#include "jobs/jobs.h"

#include "core/json.h"
#include "jobs/rows.h"

namespace pawl::jobs {
namespace {

constexpr Micros backoff_first = std::chrono::seconds(1);

Micros backoff(std::int64_t attempts) {
  return std::min<Micros>(backoff_first * (std::int64_t{1} << std::clamp<std::int64_t>(attempts - 1, 0, 20)),
                          backoff_max);
}

// Those who wait for work look again.
void wake(Tx& tx) { tx.notice("jobs"); }

void tell_dead(Call& call, const Job& job) {
  call.tell({.what = "job.dead",
             .subject_kind = "job",
             .subject = job.id.text,
             .flow = job.flow,
             .data = R"({"kind":)" + encode(job.kind) + R"(,"error":)" + encode(job.error) + "}"});
}

// The job, when this epoch still holds it.
Result<Job> held(Tx& tx, const JobId& id, std::int64_t epoch) {
  TRY(job, find(tx, id));
  if (job.state != JobState::running || job.epoch != epoch)
    return pawl::fail(
        Code::conflict,
        "job " + id.text + " is no longer yours: " +
            (job.state == JobState::running ? "its lease ran out and epoch " + std::to_string(job.epoch) + " has it"
                                            : "it is " + std::string(word(job.state))),
        "epoch");
  return job;
}

}  // namespace

Result<JobId> add(Call& call, NewJob n) {
  if (!n.key.empty()) {
    TRY(there, rows::find_active(call.tx, n.kind, n.key));
    if (there) return there->id;
  }
  const Job job{.id = {SystemRandom{}.hex_bytes(8)},
                .kind = n.kind,
                .payload = n.payload,
                .flow = n.flow,
                .state = JobState::waiting,
                .attempts_max = n.attempts_max,
                .run_at = call.now() + n.wait,
                .created = call.now()};
  TRY_(rows::insert(call.tx, job, n.key, call.project));
  wake(call.tx);
  return job.id;
}

Result<Job> find(Tx& tx, const JobId& id) {
  TRY(job, rows::find(tx, id));
  if (!job) return pawl::fail(Code::missing, "there is no job " + id.text);
  return *job;
}

Result<std::optional<Job>> claim(Call& call, std::span<const std::string> kinds, std::string_view holder,
                                 Micros lease) {
  for (;;) {
    TRY(job, rows::next_due(call.tx, kinds, call.now()));
    if (!job) return std::nullopt;
    if (job->attempts >= job->attempts_max) {  // its last holder died
      job->state = JobState::dead;
      job->error = "its worker was lost " + std::to_string(job->attempts) + " times";
      TRY_(rows::update(call.tx, *job));
      tell_dead(call, *job);
      continue;
    }
    job->state = JobState::running;
    ++job->epoch;
    ++job->attempts;
    job->holder = holder;
    job->lease_until = call.now() + lease;
    TRY_(rows::update(call.tx, *job));
    return job;
  }
}

Result<Time> renew(Call& call, const JobId& id, std::int64_t epoch, Micros lease) {
  TRY(job, held(call.tx, id, epoch));
  job.lease_until = call.now() + lease;
  TRY_(rows::update(call.tx, job));
  return job.lease_until;
}

Result<Job> finish(Call& call, const JobId& id, std::int64_t epoch, std::string_view result) {
  TRY(job, held(call.tx, id, epoch));
  job.state = JobState::done;
  job.result = result;
  job.error.clear();
  TRY_(rows::update(call.tx, job));
  return job;
}

Result<Job> fail(Call& call, const JobId& id, std::int64_t epoch, const Error& error, bool for_good) {
  TRY(job, held(call.tx, id, epoch));
  job.error = error.message;
  if (for_good || job.attempts >= job.attempts_max) {
    job.state = JobState::dead;
    tell_dead(call, job);
  } else {
    job.state = JobState::waiting;
    job.run_at = call.now() + backoff(job.attempts);
    wake(call.tx);
  }
  TRY_(rows::update(call.tx, job));
  return job;
}

Result<void> drop(Call& call, const JobId& id) {
  TRY(job, find(call.tx, id));
  if (job.state != JobState::waiting && job.state != JobState::running) return {};
  job.state = JobState::dropped;
  return rows::update(call.tx, job);
}

Result<std::vector<Job>> of_flow(Tx& tx, std::string_view flow) { return rows::of_flow(tx, flow); }

}  // namespace pawl::jobs
