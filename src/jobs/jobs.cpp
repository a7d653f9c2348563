#include "jobs/jobs.h"
