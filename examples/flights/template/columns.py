"""The columns of the flights, declared once for all stages: what the model sees, of which type, and what it learns."""

TIME = "time_hour"    # the hour in which the flight was to leave, UTC; orders the rows in time
LABEL = "arr_delay"   # minutes late at arrival, negative when early

# Known when the plane leaves the gate. The names and types are the served model's inputs.
FLOATS = [
    "dep_delay", "temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib", "plane_age", "seats",
]
INTEGERS = ["distance", "hour", "weekday"]
STRINGS = ["carrier", "origin"]
FEATURES = FLOATS + INTEGERS + STRINGS
