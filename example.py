"""The job that the README shows: five tasks, two of which run at the same time."""

from pydag import Job, Task

job = Job("TestJob")

sync = Task("Sync Data", "echo syncdata")
fe1 = Task("Feature Engineering1", "echo featureengineering1")
fe2 = Task("Feature Engineering2", "echo featureengineering2")
ml = Task("Machine Learning", "echo machinelearning")
mail = Task("Send Email", "echo sendemail")

sync >> [fe1, fe2] >> ml >> mail

job.add_task(sync, fe1, fe2, ml, mail)
print(job)
job.run(mode="execute")
